#include <eddy/net/http/multipart.hpp>

#include <eddy/net/http/error.hpp>
#include <stdexcept>

#include "grammar.hpp"
#include "multipart_parts.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view any_bytes = "application/octet-stream";

}  // namespace

part& part::filename(std::string_view name) & {
  filename_ = name;
  has_filename_ = true;
  return *this;
}

part& part::content_type(std::string_view type) & {
  if (const auto bad = grammar::find_other(type, grammar::field_text);
      bad != std::string_view::npos) {
    throw invalid_request("content_type " + quoted(type) + " of a part holds the control byte " +
                          hex_byte(type[bad]));
  }
  content_type_ = grammar::trim_whitespace(type);
  return *this;
}

multipart_parts::entry& multipart_parts::add(std::string_view name, part&& how,
                                             std::string_view type) {
  entry& e = entries.emplace_back();
  e.head.name = name;
  if (how.has_filename_) e.head.filename = std::move(how.filename_);
  e.head.content_type = how.content_type_.empty() ? type : how.content_type_;
  return e;
}

multipart::multipart() : parts_(new multipart_parts()) {}

multipart::~multipart() { delete parts_; }

multipart_parts& multipart::parts() {
  if (!parts_) throw std::logic_error("an empty http::multipart was used: it was moved from");
  return *parts_;
}

multipart& multipart::field(std::string_view name, std::string_view value) & {
  parts().add(name, part(), "").content = value;
  return *this;
}

multipart& multipart::content(std::string_view name, std::string bytes, part how) & {
  parts().add(name, std::move(how), any_bytes).content = std::move(bytes);
  return *this;
}

multipart& multipart::file(std::string_view name, std::string path, part how) & {
  multipart_parts::entry& added = parts().add(name, std::move(how), any_bytes);
  if (!added.head.filename) added.head.filename = path.substr(path.rfind('/') + 1);
  added.source = make_file_source(std::move(path));
  return *this;
}

multipart& multipart::stream(std::string_view name, generator<std::string> pieces, part how) & {
  return stream(name, std::move(pieces), body_source::unknown_size, std::move(how));
}

multipart&& multipart::stream(std::string_view name, generator<std::string> pieces, part how) && {
  return std::move(stream(name, std::move(pieces), std::move(how)));
}

multipart& multipart::stream(std::string_view name, generator<std::string> pieces,
                             std::uint64_t size, part how) & {
  parts().add(name, std::move(how), any_bytes).source =
      make_generator_source(std::move(pieces), size);
  return *this;
}

multipart&& multipart::stream(std::string_view name, generator<std::string> pieces,
                              std::uint64_t size, part how) && {
  return std::move(stream(name, std::move(pieces), size, std::move(how)));
}

}  // namespace eddy::inline v1::http
