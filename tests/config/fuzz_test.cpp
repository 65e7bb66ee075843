#include <gtest/gtest.h>

#include <array>
#include <random>

#include "config/small_catalogue.hpp"
#include "lockstep/config/show.hpp"

namespace lockstep::config {
namespace {

constexpr std::array<const char*, 20> kPieces{
    "[",   "]",    "{",         "}",  "\"",       "'''", "=",     ".",     "\n",   "-1",
    "nan", "1e99", "[[layer]]", "\t", "\xF0\x9F", "#",   "[run]", "\\u00", "true", "'5 steps'"};

/// Changes a few spots of a good configuration: bytes replaced, pieces inserted, spans removed or
/// repeated.
std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
    const std::size_t at = below(text.size());
    const std::size_t length = 1 + below(20);
    switch (below(4)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 2:
        text.erase(at, length);
        break;
      default:
        text.insert(below(text.size()), text.substr(at, length));
    }
    if (text.empty()) text = "a";
  }
  return text;
}

TEST(Fuzz, MutatedFilesAreAcceptedOrRefused) {
  const Catalogue catalogue = small_catalogue();
  std::mt19937 random(1);  // NOLINT: the same cases every time
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string text = mutated(starter(), random);
    try {
      const Config config = parse_text(text);
      const std::string values = identity(config, catalogue);
      ASSERT_EQ(identity(parse_text(resolved(config, catalogue)), catalogue), values) << text;
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ExitCode::config) << text << error.what();
    }
  }
  EXPECT_GT(accepted, 200);
  EXPECT_LT(accepted, 3800);
}

TEST(Fuzz, MutatedOptionsAreAcceptedOrRefused) {
  std::mt19937 random(2);  // NOLINT: the same cases every time
  const std::array<std::string, 4> options{"optimizer.lr=0.1", "layer[0].out=64",
                                           "layer.linear.name='fc'", "data.mean=[0.5, 0.25]"};
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string& option = options[static_cast<std::size_t>(i) % options.size()];
    refused += refusal(minimal(), {{mutated(option, random)}}).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace lockstep::config
