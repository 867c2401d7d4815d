// The parts of an http::multipart.
#pragma once

#include <eddy/net/http/multipart.hpp>
#include <memory>
#include <string>
#include <vector>

#include "body_source.hpp"
#include "multipart_writer.hpp"

namespace eddy::inline v1::http {

// A plain value, that multipart owns and then multipart_source.
struct multipart_parts {
  // Either in memory or behind a source.
  struct entry {
    part_head head;
    std::string content;
    std::unique_ptr<body_source> source;
  };

  // `type`: where `how` says none.
  entry& add(std::string_view name, part&& how, std::string_view type);

  std::vector<entry> entries;
};

}  // namespace eddy::inline v1::http
