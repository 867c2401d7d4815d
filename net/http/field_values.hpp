// The values of all fields of one name, in order, without a list of them.
#pragma once

#include <eddy/net/http/headers.hpp>

namespace eddy::inline v1::http {

//   for (const std::string_view value : values_of(fields, "Connection")) …
//
// Good until the fields are modified.
class values_of {
 public:
  values_of(const headers& fields, std::string_view name) noexcept : fields_(fields), name_(name) {}

  class iterator {
   public:
    std::string_view operator*() const noexcept {
      return of_.fields_.at(of_.fields_.entries_[place_]).value;
    }
    iterator& operator++() noexcept {
      place_ = of_.fields_.find(of_.name_, place_ + 1);
      return *this;
    }
    bool operator==(const iterator& other) const noexcept { return place_ == other.place_; }

   private:
    friend class values_of;
    iterator(const values_of& of, std::size_t place) noexcept : of_(of), place_(place) {}
    const values_of& of_;
    std::size_t place_;
  };

  iterator begin() const noexcept { return {*this, fields_.find(name_, 0)}; }
  iterator end() const noexcept { return {*this, fields_.size()}; }

 private:
  const headers& fields_;
  std::string_view name_;
};

}  // namespace eddy::inline v1::http
