#include "body_output.hpp"

#include <system_error>

#include "failure.hpp"
#include "printable.hpp"
#include "standard_output.hpp"

namespace fetch {

turns::turns(std::size_t transfers) {
  for (std::size_t i = 0; i < transfers; ++i) places_.push_back(std::make_unique<place>());
}

eddy::task<> turns::wait(std::size_t transfer) {
  if (!has(transfer)) co_await places_[transfer]->begins.wait();
}

void turns::finished(std::size_t transfer) {
  places_[transfer]->over = true;
  while (current_ < places_.size() && places_[current_]->over) ++current_;
  if (current_ < places_.size()) places_[current_]->begins.set();
}

body_output::body_output(turns& order, std::size_t transfer, std::string path)
    : order_(order), transfer_(transfer), path_(path == "-" ? "" : std::move(path)) {}

body_output::~body_output() { order_.finished(transfer_); }

eddy::task<> body_output::write(std::string bytes) { co_await write_some(bytes); }

eddy::task<> body_output::write_some(std::string_view bytes) {
  if (bytes.empty()) co_return;
  bytes_ += bytes.size();
  if (path_.empty()) {
    co_await hold_or_print(bytes);
  } else {
    co_await write_file(bytes);
  }
}

eddy::task<> body_output::hold_or_print(std::string_view bytes) {
  if (!order_.has(transfer_) && held_.size() + bytes.size() <= most_held_bytes) {
    held_.append(bytes);
    co_return;
  }
  if (!order_.has(transfer_) || !held_.empty()) co_await print_held();
  co_await print(bytes);
}

eddy::task<> body_output::print_held() {
  co_await order_.wait(transfer_);
  const std::string text = std::exchange(held_, std::string());
  co_await print(text);
}

eddy::task<> body_output::write_file(std::string_view bytes) {
  co_await open();
  try {
    co_await file_->write_all(bytes);
  } catch (const std::system_error& e) {
    throw failure(exit_code::cannot_write, e.what());
  }
}

eddy::task<> body_output::open() {
  if (file_) co_return;
  try {
    file_ = co_await eddy::file::open(path_, eddy::file_mode::write);
  } catch (const std::system_error& e) {
    throw failure(exit_code::cannot_write, e.what());
  }
}

eddy::task<> body_output::finish() {
  if (path_.empty()) {
    co_await print_held();
    co_return;
  }
  co_await open();
  try {
    co_await file_->close();
  } catch (const std::system_error& e) {
    throw failure(exit_code::cannot_write, e.what());
  }
}

}  // namespace fetch
