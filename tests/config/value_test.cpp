#include "lockstep/config/value.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace lockstep::config {
namespace {

using Unit = Interval::Unit;

TEST(Value, ReadsIntervals) {
  EXPECT_EQ(parse_interval("250 steps"), (Interval{250, Unit::steps}));
  EXPECT_EQ(parse_interval("1 step"), (Interval{1, Unit::steps}));
  EXPECT_EQ(parse_interval(" 5epochs "), (Interval{5, Unit::epochs}));
  EXPECT_EQ(parse_interval("0.5 epochs"), (Interval{0.5, Unit::epochs}));
  EXPECT_EQ(parse_interval("10 minutes"), (Interval{600, Unit::seconds}));
  EXPECT_EQ(parse_interval("90 s"), (Interval{90, Unit::seconds}));
  EXPECT_EQ(parse_interval("1h50m"), (Interval{6600, Unit::seconds}));
  EXPECT_EQ(parse_interval("1 h 1 min 1.5 s"), (Interval{3661.5, Unit::seconds}));
}

TEST(Value, RefusesWhatIsNoInterval) {
  for (const char* text :
       {"", " ", "5", "steps", "-1 steps", "+1 steps", "1.5 steps", "1 step 2 steps", "1 h 2 steps",
        "1 day", "1 steps x", "nan s", "inf s", "1e3 s", "1,5 s", "1..5 s", "1 Steps",
        "99999999999999999999 s", "9007199254740992 h"}) {
    EXPECT_EQ(parse_interval(text), std::nullopt) << text;
  }
}

TEST(Value, IntervalTextReadsBack) {
  EXPECT_EQ(interval_text({1, Unit::steps}), "1 step");
  EXPECT_EQ(interval_text({250, Unit::steps}), "250 steps");
  EXPECT_EQ(interval_text({0.1, Unit::epochs}), "0.1 epochs");
  EXPECT_EQ(interval_text({6600, Unit::seconds}), "110 minutes");
  EXPECT_EQ(interval_text({7200, Unit::seconds}), "2 hours");
  EXPECT_EQ(interval_text({0, Unit::seconds}), "0 seconds");
  for (const double value : {0.0, 1.0, 0.1, 59.9, 60.0, 3600.0, 1e6, 9007199254740992.0}) {
    for (const Unit unit : {Unit::epochs, Unit::seconds}) {
      const Interval interval{value, unit};
      EXPECT_EQ(parse_interval(interval_text(interval)), interval) << interval_text(interval);
    }
  }
}

TEST(Value, ReadsBytes) {
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("64 KiB"), 65536);
  EXPECT_EQ(parse_bytes("1MiB"), 1048576);
  EXPECT_EQ(parse_bytes("2 GB"), 2000000000);
  EXPECT_EQ(parse_bytes("7 B"), 7);
  for (const char* text : {"", "MiB", "-1", "1.5 MiB", "1 mib", "1 MiB x", "1 MiB 2",
                           "9223372036854775808", "9223372036854775807 KiB"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(Value, BytesTextReadsBack) {
  EXPECT_EQ(bytes_text(1048576), "1 MiB");
  EXPECT_EQ(bytes_text(1000), "1000 B");
  for (const Index bytes : {Index{0}, Index{1}, Index{1024}, Index{1536}, Index{1} << 40}) {
    EXPECT_EQ(parse_bytes(bytes_text(bytes)), bytes);
  }
}

TEST(Value, RealTextIsTheShortestTomlFloat) {
  EXPECT_EQ(real_text(0.1), "0.1");
  EXPECT_EQ(real_text(1), "1.0");
  EXPECT_EQ(real_text(-0.0), "-0.0");
  EXPECT_EQ(real_text(5e-4), "0.0005");
  EXPECT_EQ(real_text(1e-7), "1e-07");
  EXPECT_EQ(real_text(1e30), "1e+30");
  for (const double value : {1.0 / 3, std::numeric_limits<double>::denorm_min(), 1e15, 1e16, 1e17,
                             std::nextafter(0.1, 1.0)}) {
    EXPECT_EQ(std::strtod(real_text(value).c_str(), nullptr), value);
  }
}

TEST(Value, TomlStringEscapes) {
  EXPECT_EQ(toml_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(toml_string("\n\t\x1b\x7f"), R"("\n\t\u001B\u007F")");
  EXPECT_EQ(toml_string("\xC3\xA4"), "\"\xC3\xA4\"");
}

}  // namespace
}  // namespace lockstep::config
