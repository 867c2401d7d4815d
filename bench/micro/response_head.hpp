// The head that all parsers are given, and what each must find in it.
#pragma once

#include <string_view>

// As a server behind a proxy answers a GET: ten fields, 400 bytes. No body follows.
inline constexpr std::string_view response_head_text =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Mon, 01 Jun 2026 12:34:56 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 0\r\n"
    "Connection: keep-alive\r\n"
    "Last-Modified: Sun, 31 May 2026 08:00:00 GMT\r\n"
    "ETag: \"6657a1c0-3e8f\"\r\n"
    "Cache-Control: max-age=3600, must-revalidate\r\n"
    "Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; Secure; HttpOnly; "
    "SameSite=Lax\r\n"
    "Vary: Accept-Encoding\r\n"
    "\r\n";

// As it comes in many small segments.
inline constexpr std::size_t piece_bytes = 64;

struct found_head {
  int status = 0;
  std::size_t fields = 0;
  std::size_t bytes = 0;  // of all names and values
  bool keep_alive = false;
};

inline constexpr std::size_t fields_of_head = 10;
inline constexpr std::size_t line_ends_and_colons = 4;  // of each field, with the space

inline constexpr std::size_t bytes_of_head =
    response_head_text.size() - std::string_view("HTTP/1.1 200 OK\r\n\r\n").size() -
    fields_of_head * line_ends_and_colons;

inline bool is_right(const found_head& found) {
  return found.status == 200 && found.fields == fields_of_head && found.bytes == bytes_of_head &&
         found.keep_alive;
}
