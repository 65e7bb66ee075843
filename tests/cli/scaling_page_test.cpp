#include "cli/scale/scaling_page.hpp"

#include <gtest/gtest.h>

#include <regex>

#include "cli/scale/scaling_charts.hpp"
#include "cli/scaling_testing.hpp"

namespace lockstep::cli {
namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

/// Whether each element that is opened is closed in order.
bool is_balanced(const std::string& html) {
  const std::regex tag("<(/?)([a-z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (auto at = std::sregex_iterator(html.begin(), html.end(), tag); at != std::sregex_iterator();
       ++at) {
    const std::string name = (*at)[2];
    if ((*at)[3] == "/" || name == "meta" || name == "br") continue;
    if ((*at)[1] != "/") {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

TEST(ScalingPageTest, TextBecomesHarmless) {
  EXPECT_EQ(html_text("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
  const std::string page =
      scaling_page({"<script>x", {{"Command", "--set a=\"<b>\""}}, small_report()});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>\""), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;x"), std::string::npos);
}

TEST(ScalingPageTest, IsWholeAndNeedsNothingElse) {
  const std::string page = scaling_page({"mlp", {{"Version", "1"}}, small_report()});
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_TRUE(is_balanced(page));
  EXPECT_EQ(count(page, "<svg "), 3);
  for (const char* outside : {"http:", "https:", "<script", "<link", "<img", "url(", "@import"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_NE(page.find("identical in all 6 runs (d1)"), std::string::npos);
  EXPECT_NE(page.find("<td>16,667</td>"), std::string::npos);
}

TEST(ScalingPageTest, EachPartHasItsColors) {
  const std::string page = scaling_page({"mlp", {}, small_report()});
  for (const PartRow& part : kPartRows) {
    const std::string name(part.name);
    for (const std::string_view color : {part.color, part.color_on_dark}) {
      EXPECT_EQ(color.size(), 7U) << name;
      EXPECT_EQ(count(page, "--" + name + ": " + std::string(color) + ";"), 1) << name;
    }
    EXPECT_EQ(count(page, "." + name + " { --c: var(--" + name + "); }"), 1) << name;
  }
}

TEST(ScalingPageTest, ANumberThatIsNotFiniteNeverReachesAChart) {
  const ScalingReport one = report_on(plan_for({1}, 1, 1), {measured(1, 1, 0.01)});
  for (const ScalingReport& report : {one, small_report(), report_on(plan_for({1}, 1), {})}) {
    const std::string page = scaling_page({"mlp", {}, report});
    EXPECT_TRUE(is_balanced(page));
    EXPECT_FALSE(std::regex_search(page, std::regex("=\"[^\"]*\\b(nan|inf)\\b")));
  }
}

TEST(ScalingChartsTest, OversubscribedPointsAreHollowAndHaveNoEfficiency) {
  const ScalingReport report = small_report();
  const std::string speedup = speedup_chart(report);
  EXPECT_EQ(count(speedup, "class=\"solid\""), 2);
  EXPECT_EQ(count(speedup, "class=\"hollow\""), 1);
  const std::string efficiency = efficiency_chart(report);
  EXPECT_EQ(count(efficiency, "class=\"solid\""), 2);
  EXPECT_EQ(count(efficiency, "class=\"hollow\""), 0);
  EXPECT_NE(line_legend(report).find("oversubscribed"), std::string::npos);
}

TEST(ScalingChartsTest, ErrorBarsAppearWhereRunsDiffer) {
  EXPECT_EQ(count(speedup_chart(small_report()), "class=\"error\""), 0);
  const ScalingReport spread = report_on(
      plan_for({1, 2}, 2),
      {measured(1, 1, 0.010), measured(1, 2, 0.010), measured(2, 1, 0.005), measured(2, 2, 0.007)});
  EXPECT_EQ(count(speedup_chart(spread), "class=\"error\""), 3);
}

TEST(ScalingChartsTest, EachNumberOfThreadsHasItsLine) {
  ScalingPlan plan = plan_for({1, 2}, 4, 1);
  plan.points.push_back({1, 2});
  Measurement threads = measured(1, 1, 0.007);
  threads.run.point = {1, 2};
  const ScalingReport report =
      report_on(plan, {measured(1, 1, 0.010), measured(2, 1, 0.006), threads});
  EXPECT_EQ(count(speedup_chart(report), "<path class=\"series"), 2);
  EXPECT_NE(line_legend(report).find("2 threads per rank"), std::string::npos);
}

TEST(ScalingChartsTest, BarsShowThePartsThatThereAre) {
  const std::string chart = time_chart(small_report());
  EXPECT_EQ(count(chart, "class=\"part backward\""), 3);
  EXPECT_EQ(count(chart, "class=\"part wait\""), 0);
  EXPECT_NE(chart.find("4 x 1 (oversubscribed 2x)"), std::string::npos);
  EXPECT_NE(chart.find("milliseconds"), std::string::npos);
  const std::string legend = time_legend(small_report());
  EXPECT_NE(legend.find("exposed"), std::string::npos);
  EXPECT_EQ(legend.find("update"), std::string::npos);
}

}  // namespace
}  // namespace lockstep::cli
