// http_parser, which Node.js had: it calls back with pieces of names and values, which its user
// gathers, as all of its users do.
#include <http_parser.h>

#include <string>
#include <vector>

#include "checks.hpp"
#include "measuring.hpp"
#include "response_head.hpp"

namespace {

// The fields of one head in one text, as Eddy's http::headers has them.
class gathered_head {
 public:
  gathered_head() {
    http_parser_init(&parser_, HTTP_RESPONSE);
    parser_.data = this;
    http_parser_settings_init(&settings_);
    settings_.on_header_field = [](http_parser* p, const char* at, size_t size) {
      return static_cast<gathered_head*>(p->data)->name_came(at, size);
    };
    settings_.on_header_value = [](http_parser* p, const char* at, size_t size) {
      return static_cast<gathered_head*>(p->data)->value_came(at, size);
    };
    settings_.on_message_complete = [](http_parser* p) {
      static_cast<gathered_head*>(p->data)->done_ = true;
      return 0;
    };
  }

  // False where the parser has found an error.
  bool feed(std::string_view bytes) {
    return http_parser_execute(&parser_, &settings_, bytes.data(), bytes.size()) == bytes.size();
  }
  bool done() const { return done_; }

  // What was found, and empty again: the head goes to whoever asked for it.
  found_head take() {
    const std::string text = std::exchange(text_, {});
    const std::vector<field> fields = std::exchange(fields_, {});
    found_head found{static_cast<int>(parser_.status_code), fields.size(), 0,
                     http_should_keep_alive(&parser_) != 0};
    for (const field& f : fields) found.bytes += f.name_size + f.value_size;
    done_ = in_value_ = false;
    return found;
  }

 private:
  struct field {
    std::size_t offset;
    std::size_t name_size;
    std::size_t value_size;
  };

  int name_came(const char* at, std::size_t size) {
    if (fields_.empty()) {
      text_.reserve(1024);
      fields_.reserve(24);
    }
    if (in_value_ || fields_.empty()) fields_.push_back({text_.size(), 0, 0});
    in_value_ = false;
    text_.append(at, size);
    fields_.back().name_size += size;
    return 0;
  }
  int value_came(const char* at, std::size_t size) {
    in_value_ = true;
    text_.append(at, size);
    fields_.back().value_size += size;
    return 0;
  }

  http_parser parser_{};
  http_parser_settings settings_{};
  std::string text_;
  std::vector<field> fields_;
  bool in_value_ = false;
  bool done_ = false;
};

void parse(benchmark::State& state, std::size_t piece) {
  gathered_head head;
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    for (std::size_t at = 0; good && !head.done(); at += piece) {
      good = at < response_head_text.size() && head.feed(response_head_text.substr(at, piece));
    }
    good = good && is_right(head.take());
  }
  m.stop(iterations_of(state));
  check(state, good);
}

void whole_http_parser(benchmark::State& state) { parse(state, response_head_text.size()); }
BENCHMARK(whole_http_parser)->Name("head_parse/http_parser");

void pieces_http_parser(benchmark::State& state) { parse(state, piece_bytes); }
BENCHMARK(pieces_http_parser)->Name("head_parse_pieces/http_parser");

}  // namespace
