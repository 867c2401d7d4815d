#include "transfer.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timer.hpp>

#include "failure.hpp"
#include "head_text.hpp"
#include "narrator.hpp"
#include "printable.hpp"
#include "retries.hpp"

namespace fetch {

namespace http = eddy::http;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

}  // namespace

transfer::transfer(const settings& s, http::session& session, turns& order, std::size_t index)
    : settings_(s),
      session_(session),
      index_(index),
      output_(order, index, index < s.outputs.size() ? s.outputs[index] : std::string()) {}

eddy::task<int> transfer::run(eddy::event& answered) {
  answered_ = &answered;
  const int code = co_await outcome();
  tell_answered();
  co_return code;
}

void transfer::tell_answered() noexcept {
  if (answered_) std::exchange(answered_, nullptr)->set();
}

eddy::task<int> transfer::outcome() {
  int code = 0;
  try {
    co_await perform();
  } catch (const std::exception& e) {
    tell_answered();
    report(e);
    code = exit_code_of(e);
  }
  if (code == exit_code::cannot_write) co_return code;
  try {
    co_await output_.write(std::move(heads_));
    if (code == 0 || output_.wrote_anything()) co_await output_.finish();
  } catch (const std::exception& e) {
    if (code == 0) {
      report(e);
      code = exit_code_of(e);
    }
  }
  co_return code;
}

eddy::task<> transfer::perform() {
  backoff waits;
  for (unsigned left = settings_.retries;; --left) {
    const bool again = co_await attempt(left > 0);
    if (!again) co_return;
    heads_.clear();
    const std::chrono::seconds usual = waits.next();
    const std::chrono::seconds wait = asked_to_wait_.value_or(usual);
    std::fprintf(stderr, "fetch: a transient problem: retrying in %lld s, %u left\n",
                 static_cast<long long>(wait.count()), left - 1);
    co_await eddy::sleep(wait);
  }
}

// True: something that may be better next time.
eddy::task<bool> transfer::attempt(bool may_retry) {
  deadline_.reset();
  asked_to_wait_.reset();
  if (settings_.max_time_s > 0) {
    deadline_ = clock::now() + std::chrono::duration_cast<clock::duration>(
                                   std::chrono::duration<double>(settings_.max_time_s));
  }
  try {
    http::response answer = co_await respond();
    if (may_retry && is_worth_a_retry(answer)) {
      co_await answer.discard();
      co_return true;
    }
    co_await deliver(answer);
    co_return false;
  } catch (const std::exception& e) {
    // Output that is out cannot be taken back.
    if (!may_retry || !is_transient(e) || output_.wrote_anything()) throw;
  }
  co_return true;
}

bool transfer::is_worth_a_retry(const http::response& answer) {
  if (!is_transient(answer.status())) return false;
  const auto asked = answer.headers().get("Retry-After");
  if (asked) asked_to_wait_ = retry_after(*asked);
  return true;
}

// The redirections are followed here, not by the session: to show the head of each, and because
// curl keeps a method that -X names where RFC 9110 §15.4 would change it.
eddy::task<http::response> transfer::respond() {
  outgoing request = first_request(settings_, settings_.urls[index_]);
  const eddy::url first = request.to;
  for (unsigned followed = 0;; ++followed) {
    http::response answer = co_await send(request);
    keep_head(answer);
    if (!settings_.follow) co_return std::move(answer);
    std::optional<outgoing> next =
        next_request(settings_, request, answer.status(), answer.headers());
    if (!next) co_return std::move(answer);
    if (followed == settings_.max_redirects) {
      throw failure(exit_code::too_many_redirects,
                    "more than --max-redirects (" + std::to_string(followed) + ") from " +
                        place_of(first));
    }
    co_await answer.discard();
    request = std::move(*next);
  }
}

eddy::task<http::response> transfer::send(const outgoing& request) {
  http::request_builder builder = session_.request(request.method, request.to);
  for (const auto& [name, value] : request.fields) std::move(builder).header(name, value);
  if (request.body) std::move(builder).body(*request.body);
  if (deadline_) {
    std::move(builder).timeout(*deadline_ - clock::now());
  } else {
    std::move(builder).timeout(http::no_timeout);
  }
  std::move(builder).redirects(0).decompress(settings_.compressed);
  if (settings_.user && request.same_origin) {
    std::move(builder).auth(http::auth::basic(*settings_.user, settings_.password));
  }
  http::response answer = co_await std::move(builder);
  co_return std::move(answer);
}

void transfer::keep_head(const http::response& answer) {
  if (settings_.verbose) narrate_head(head_text(answer));
  if (settings_.show_heads) heads_.append(head_text(answer));
}

eddy::task<> transfer::deliver(http::response& answer) {
  tell_answered();
  if (settings_.fail) answer.raise_for_status();
  check_announced(answer);
  co_await output_.write(std::exchange(heads_, std::string()));
  if (!settings_.head_only) co_await copy_body(answer);
}

void transfer::check_announced(const http::response& answer) const {
  constexpr int not_modified = 304;  // announces what a 200 would have had
  const bool has_body = !settings_.head_only && answer.status() != not_modified;
  const auto text = answer.headers().get("Content-Length");
  if (!settings_.max_body_bytes || !has_body || !text) return;
  std::uint64_t bytes = 0;
  std::from_chars(text->data(), text->data() + text->size(), bytes);
  if (bytes <= *settings_.max_body_bytes || answer.headers().contains("Content-Encoding")) return;
  throw failure(exit_code::too_large,
                place_of(answer.url()) + ": a body of " + std::to_string(bytes) +
                    " bytes, --max-body is " + std::to_string(*settings_.max_body_bytes));
}

eddy::task<> transfer::copy_body(http::response& answer) {
  const std::unique_ptr<std::byte[]> memory(new std::byte[read_bytes]);
  const std::span<std::byte> buffer(memory.get(), read_bytes);
  const std::uint64_t most = settings_.max_body_bytes.value_or(UINT64_MAX);
  std::uint64_t total = 0;
  for (;;) {
    std::size_t got = co_await answer.read_some(buffer);
    if (got == 0) break;
    const bool excess = got > most - total;
    if (excess) got = static_cast<std::size_t>(most - total);
    total += got;
    const std::string_view piece(reinterpret_cast<const char*>(memory.get()), got);
    co_await output_.write_some(piece);
    if (!excess) continue;
    throw failure(exit_code::too_large, place_of(answer.url()) +
                                            ": a body of more than --max-body (" +
                                            std::to_string(most) + ") bytes");
  }
  const std::string trailers = field_lines(answer.trailers());
  if (settings_.verbose) narrate_head(trailers);
  if (settings_.show_heads) co_await output_.write_some(trailers);
}

}  // namespace fetch
