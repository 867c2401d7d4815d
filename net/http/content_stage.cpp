#include "content_stage.hpp"

#include <eddy/net/http/error.hpp>
#include <string>

namespace eddy::inline v1::http {

content_stage::~content_stage() = default;

content_stage::progress content_stage::decode(std::span<const std::byte> input,
                                              std::span<std::byte> output) {
  const progress step = decode_some(input, output);
  decoded_bytes_ += step.produced;
  if (decoded_bytes_ > max_decoded_bytes_) {
    throw content_error("content decoded from " + std::string(name()) +
                        " exceeds max_decoded_bytes (" + std::to_string(max_decoded_bytes_) + ")");
  }
  fruitless_bytes_ = step.produced > 0 ? 0 : fruitless_bytes_ + step.consumed;
  if (fruitless_bytes_ > most_fruitless_bytes) {
    throw content_error(std::string(name()) + " data yields nothing in more than " +
                        std::to_string(most_fruitless_bytes) + " bytes (most_fruitless_bytes)");
  }
  return step;
}

}  // namespace eddy::inline v1::http
