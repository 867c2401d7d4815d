// What is done with sequences: transform, filter, take, drop, chunks, enumerate, zip, each,
// collect and fold.
//
//   auto squares = each(numbers) | filter(is_odd) | transform(square) | take(10);
//   std::vector<int> all = co_await collect(std::move(squares));
//
// Each takes a sequence by value (a generator, a feed) and, but for collect and fold, returns a
// generator; or takes everything but the sequence, to stand behind a `|`. Nothing runs before the
// first next(), and nothing ahead: an element is taken from the source when one is asked for.
// Functions are copied or moved in and may be plain or coroutines (returning a task); a
// cancellation or an exception in one of them, or in the source, ends the generator. Destroying it
// destroys the source. On GCC before 13, a lambda with captures that are not trivially copyable
// must be named first and given by its name (it is copied), or be a callable<R(T)>.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/generator.hpp>
#include <tuple>
#include <vector>

namespace eddy::inline v1 {
namespace detail {

// Throws std::invalid_argument that names `what` if n is 0.
void require_positive(std::size_t n, const char* what);

template <class R>
struct task_value {
  using type = R;
  static constexpr bool waits = false;
};
template <class R>
struct task_value<task<R>> {
  using type = R;
  static constexpr bool waits = true;
};
template <class F, class... Args>
using answer = task_value<std::invoke_result_t<F&, Args...>>;
template <class F, class... Args>
using answer_t = typename answer<F, Args...>::type;

// An operator without its sequence. Has constructors, so that GCC 12 destroys it once.
template <class Operator, class... Args>
class stage {
 public:
  explicit stage(Args... args) : args_(std::move(args)...) {}

  template <sequence S>
  friend auto operator|(S source, stage s) {
    return std::apply(
        [&source](auto&... args) { return Operator::of(std::move(source), std::move(args)...); },
        s.args_);
  }

 private:
  std::tuple<Args...> args_;
};

struct transform_operator {
  template <class S, class F, class U = answer_t<F, element_t<S>&&>>
  static generator<U> of(S source, F fn) {
    while (auto x = co_await source.next()) {
      if constexpr (answer<F, element_t<S>&&>::waits) {
        U result = co_await fn(element<element_t<S>>(x));
        co_yield static_cast<U&&>(result);
      } else {
        co_yield fn(element<element_t<S>>(x));
      }
    }
  }
};

struct filter_operator {
  template <class S, class F, class T = element_t<S>>
  static generator<T> of(S source, F wanted) {
    while (auto x = co_await source.next()) {
      bool take_it = false;
      if constexpr (answer<F, T&>::waits) {
        take_it = co_await wanted(*x);
      } else {
        take_it = static_cast<bool>(wanted(*x));
      }
      if (take_it) co_yield element<T>(x);
    }
  }
};

struct take_operator {
  template <class S, class T = element_t<S>>
  static generator<T> of(S source, std::size_t n) {
    for (; n > 0; --n) {
      auto x = co_await source.next();
      if (!x) co_return;
      co_yield element<T>(x);
    }
  }
};

struct drop_operator {
  template <class S, class T = element_t<S>>
  static generator<T> of(S source, std::size_t n) {
    for (; n > 0; --n) {
      const auto x = co_await source.next();
      if (!x) co_return;
    }
    while (auto x = co_await source.next()) co_yield element<T>(x);
  }
};

struct chunks_operator {
  template <class S, class V = std::vector<std::remove_cvref_t<element_t<S>>>>
  static generator<V> of(S source, std::size_t n) {
    V chunk;
    while (auto x = co_await source.next()) {
      chunk.push_back(element<element_t<S>>(x));
      if (chunk.size() < n) continue;
      co_yield std::move(chunk);
      chunk = V();
    }
    if (!chunk.empty()) co_yield std::move(chunk);
  }
};

struct enumerate_operator {
  template <class S, class T = element_t<S>>
  static generator<std::pair<std::size_t, T>> of(S source) {
    std::size_t i = 0;
    while (auto x = co_await source.next()) {
      co_yield std::pair<std::size_t, T>(i, element<T>(x));
      ++i;
    }
  }
};

template <class S>
task<> pull_if(bool& wanted, S& source, next_result_t<element_t<S>>& into) {
  if (!wanted) co_return;
  auto x = co_await source.next();
  if (!x) {
    wanted = false;
  } else if constexpr (std::is_reference_v<element_t<S>>) {
    into = x;
  } else {
    into.emplace(std::move(*x));
  }
}

template <std::size_t... I, class... S>
generator<std::tuple<element_t<S>...>> zip_of(std::index_sequence<I...>, S... sources) {
  while (true) {
    std::tuple<next_result_t<element_t<S>>...> found{};
    bool all = true;
    (co_await pull_if(all, sources, std::get<I>(found)), ...);
    if (!all) co_return;
    co_yield std::tuple<element_t<S>...>(element<element_t<S>>(std::get<I>(found))...);
  }
}

// Owns its elements, as far as its shape tells.
template <class R>
concept container = requires { typename R::allocator_type; };

template <class F>
constexpr void require_safe_callable() {
  static_assert(safe_callable<F>,
                "GCC before 13 destroys the captures of an inline lambda twice inside co_await: "
                "name the lambda and give its name, or give a callable<R(T)>");
}

}  // namespace detail

// fn(element) for each element. fn takes it by value or by rvalue reference (of a generator<T&>:
// the reference) and returns what the result yields, or a task of it.
template <detail::sequence S, class F>
[[nodiscard]] auto transform(S source, F&& fn) {
  detail::require_safe_callable<F>();
  return detail::transform_operator::of(std::move(source), std::decay_t<F>(std::forward<F>(fn)));
}
template <class F>
[[nodiscard]] auto transform(F&& fn) {
  detail::require_safe_callable<F>();
  return detail::stage<detail::transform_operator, std::decay_t<F>>(std::forward<F>(fn));
}

// The elements for which `wanted(element&)`, or the task that it returns, says true.
template <detail::sequence S, class F>
[[nodiscard]] auto filter(S source, F&& wanted) {
  detail::require_safe_callable<F>();
  return detail::filter_operator::of(std::move(source), std::decay_t<F>(std::forward<F>(wanted)));
}
template <class F>
[[nodiscard]] auto filter(F&& wanted) {
  detail::require_safe_callable<F>();
  return detail::stage<detail::filter_operator, std::decay_t<F>>(std::forward<F>(wanted));
}

// The first n elements. Never takes one more from the source.
template <detail::sequence S>
[[nodiscard]] auto take(S source, std::size_t n) {
  return detail::take_operator::of(std::move(source), n);
}
[[nodiscard]] inline auto take(std::size_t n) {
  return detail::stage<detail::take_operator, std::size_t>(n);
}

// All but the first n elements.
template <detail::sequence S>
[[nodiscard]] auto drop(S source, std::size_t n) {
  return detail::drop_operator::of(std::move(source), n);
}
[[nodiscard]] inline auto drop(std::size_t n) {
  return detail::stage<detail::drop_operator, std::size_t>(n);
}

// The elements in vectors of n, the last one shorter if need be. Throws std::invalid_argument if n
// is 0. An error of the source drops the chunk that was begun.
template <detail::sequence S>
[[nodiscard]] auto chunks(S source, std::size_t n) {
  detail::require_positive(n, "chunks: the size");
  return detail::chunks_operator::of(std::move(source), n);
}
[[nodiscard]] inline auto chunks(std::size_t n) {
  detail::require_positive(n, "chunks: the size");
  return detail::stage<detail::chunks_operator, std::size_t>(n);
}

// Pairs of the element's number, from 0, and the element.
template <detail::sequence S>
[[nodiscard]] auto enumerate(S source) {
  return detail::enumerate_operator::of(std::move(source));
}
[[nodiscard]] inline auto enumerate() { return detail::stage<detail::enumerate_operator>(); }

// Tuples of one element of each, taken in the order given. Ends with the first source that ends:
// those behind it are not asked, what came before it is dropped.
template <detail::sequence... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto zip(S... sources) {
  return detail::zip_of(std::index_sequence_for<S...>(), std::move(sources)...);
}

// The elements of a range, which is moved or copied in. The elements are moved out of a container,
// copied from what only views them.
template <class R, class T = std::remove_cvref_t<decltype(*std::begin(std::declval<R&>()))>>
[[nodiscard]] generator<T> each(R range) {
  for (auto&& x : range) {
    if constexpr (std::is_lvalue_reference_v<decltype(x)> && detail::container<R>) {
      co_yield std::move(x);
    } else {
      co_yield x;
    }
  }
}

// All elements in a vector; those of references are copied. Waits wherever the source does.
template <detail::sequence S>
[[nodiscard]] auto collect(S source)
    -> task<std::vector<std::remove_cvref_t<detail::element_t<S>>>> {
  std::vector<std::remove_cvref_t<detail::element_t<S>>> all;
  while (auto x = co_await source.next()) {
    all.push_back(detail::element<detail::element_t<S>>(x));
  }
  co_return all;
}

namespace detail {

template <class S, class A, class F>
task<A> fold_of(S source, A so_far, F fn) {
  while (auto x = co_await source.next()) {
    if constexpr (answer<F, A&&, element_t<S>&&>::waits) {
      so_far = co_await fn(std::move(so_far), element<element_t<S>>(x));
    } else {
      so_far = fn(std::move(so_far), element<element_t<S>>(x));
    }
  }
  co_return so_far;
}

}  // namespace detail

// fn(… fn(fn(init, first), second) …, last), with `fn` plain or a coroutine. Waits wherever the
// source and fn do.
template <detail::sequence S, class A, class F>
[[nodiscard]] auto fold(S source, A init, F&& fn) {
  detail::require_safe_callable<F>();
  return detail::fold_of(std::move(source), std::move(init), std::decay_t<F>(std::forward<F>(fn)));
}

}  // namespace eddy::inline v1
