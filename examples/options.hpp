// The frame of each walkthrough program: its command line, its random numbers, how it ends.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <utility>

// Reads the command line. Ends the program after --help, and after an error in it: one line,
// status 2.
inline void parse_or_exit(CLI::App& app, int argc, char** argv) {
  try {
    // CLI11 would take an empty text for a zero.
    for (int i = 1; i < argc; ++i) {
      if (argv[i][0] == '\0') throw CLI::ArgumentMismatch("an argument is empty");
    }
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) std::exit(app.exit(error));
    std::fprintf(stderr, "%s: %s (--help says more)\n", app.get_name().c_str(), error.what());
    std::exit(2);
  }
}

// Made in main, and lent to every coroutine of the program.
class example {
 public:
  CLI::App app;

  example(std::string name, std::string purpose) : app(std::move(purpose), std::move(name)) {
    app.add_option("--seed", seed_, "Where the random numbers start (default 444)");
    app.add_option("--scale", scale_, "Multiplies every sleep (default 1)");
  }

  void parse(int argc, char** argv) {
    app.parse_complete_callback([this] {
      // Also false for a scale that is not a number.
      if (scale_ > 0 && scale_ <= largest_scale) return;
      throw CLI::ValidationError("--scale", "must be above 0 and at most " +
                                                std::to_string(static_cast<int>(largest_scale)) +
                                                ", is " +
                                                app.get_option("--scale")->as<std::string>());
    });
    parse_or_exit(app, argc, argv);
    random_.seed(static_cast<std::uint64_t>(seed_));
    // A reader of our pipe sees each line when it is printed.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  }

  // Runs the program proper and returns the exit status.
  template <class Body>
  int run(Body body) {
    try {
      body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
      return 1;
    }
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
    std::fprintf(stderr, "%s: the standard output cannot be written\n", app.get_name().c_str());
    return 1;
  }

  std::chrono::duration<double> seconds(double n) const {
    return std::chrono::duration<double>(n * scale_);
  }

  // From `low` to `high`, both included.
  int randint(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

 private:
  static constexpr double largest_scale = 1000;

  std::int64_t seed_ = 444;
  double scale_ = 1;
  std::mt19937_64 random_;
};
