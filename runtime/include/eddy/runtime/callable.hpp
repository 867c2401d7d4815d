// A move-only callable of any type: what std::move_only_function is to C++23, without <functional>.
#pragma once

#include <type_traits>
#include <utility>

namespace eddy::inline v1 {

template <class Signature>
class callable;

// Owns a copy of what it was made from, on the heap. Empty by default; calling an empty one is a
// programming error.
template <class R, class... Args>
class callable<R(Args...)> {
 public:
  callable() noexcept {}
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, callable> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  callable(F&& fn) : box_(new holder<std::decay_t<F>>(std::forward<F>(fn))) {}
  callable(callable&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  callable& operator=(callable&& other) noexcept {
    if (this != &other) {
      delete box_;
      box_ = std::exchange(other.box_, nullptr);
    }
    return *this;
  }
  ~callable() { delete box_; }

  explicit operator bool() const noexcept { return box_ != nullptr; }
  R operator()(Args... args) { return box_->call(std::forward<Args>(args)...); }

 private:
  struct holder_base {
    holder_base() noexcept {}
    virtual ~holder_base() = default;
    virtual R call(Args&&... args) = 0;
  };
  template <class F>
  struct holder final : holder_base {
    template <class G>
    explicit holder(G&& g) : fn(std::forward<G>(g)) {}
    R call(Args&&... args) override {
      if constexpr (std::is_void_v<R>) {
        fn(std::forward<Args>(args)...);
      } else {
        return fn(std::forward<Args>(args)...);
      }
    }
    F fn;
  };

  holder_base* box_ = nullptr;
};

namespace detail {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
// GCC before 13 destroys the captures of a lambda written inside a co_await expression twice; not
// the members of a class that has constructors, as callable.
template <class F>
inline constexpr bool safe_callable =
    std::is_lvalue_reference_v<F> || std::is_trivially_copyable_v<std::remove_cvref_t<F>>;
template <class Signature>
inline constexpr bool safe_callable<callable<Signature>> = true;
#else
template <class F>
inline constexpr bool safe_callable = true;
#endif

}  // namespace detail
}  // namespace eddy::inline v1
