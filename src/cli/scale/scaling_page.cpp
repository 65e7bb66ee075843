#include "cli/scale/scaling_page.hpp"

#include <fmt/format.h>

#include "cli/scale/scaling_charts.hpp"
#include "cli/scale/scaling_table.hpp"
#include "cli/text.hpp"

namespace lockstep::cli {
namespace {

// Colours once for each scheme; the charts name them by class. Those of the parts of a step follow
// from their rows.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark;
  --ground: #ffffff; --text: #1d232b; --quiet: #57606a; --grid: #dfe4ea; --rule: #8b949e;
  --s0: #0b62c4; --s1: #c2410c; --s2: #15803d; --s3: #7e22ce; --s4: #b4236b; --s5: #806000; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #10151b; --text: #e6edf3; --quiet: #9aa5b1; --grid: #2b333d; --rule: #6b7682;
  --s0: #6cb0ff; --s1: #ff9e64; --s2: #4ade80; --s3: #c9a0ff; --s4: #ff8ac0; --s5: #e3c04a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1040px; padding: 20px 16px 40px; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 6px; }
p { margin: 4px 0; }
.quiet { color: var(--quiet); }
.wrong { color: var(--exposed); font-weight: 600; }
.words { white-space: pre-wrap; overflow-wrap: anywhere; }
.charts { display: grid; gap: 28px; margin: 24px 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
section { min-width: 0; }
.wide { grid-column: 1 / -1; }
svg { display: block; width: 100%; }
svg text { fill: var(--quiet); font-size: 13px; font-family: system-ui, sans-serif; }
svg.bars { overflow: visible; }
.grid { stroke: var(--grid); }
.axis { stroke: var(--rule); }
.ideal { stroke: var(--rule); stroke-dasharray: 5 4; fill: none; }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); }
.s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
.line { fill: none; stroke: var(--c); stroke-width: 1.5; }
.error { stroke: var(--c); stroke-width: 1.5; }
.solid { fill: var(--c); stroke: var(--c); stroke-width: 2; }
.hollow { fill: var(--ground); stroke: var(--c); stroke-width: 2; }
.part { fill: var(--c); background: var(--c); stroke: var(--ground); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 6px 0; padding: 0;
  color: var(--quiet); font-size: 13px; }
.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 2px;
  vertical-align: -1px; }
.legend .dot { border-radius: 50%; border: 2px solid var(--c); background: var(--c); }
.legend .ring { border: 2px solid var(--text); background: var(--ground); }
.legend .dash { width: 22px; height: 0; border-top: 2px dashed var(--rule); border-radius: 0;
  vertical-align: 4px; }
.legend .whisker { width: 9px; border: solid var(--text); border-width: 1.5px 0; border-radius: 0;
  background: linear-gradient(var(--text), var(--text)) center / 1.5px 100% no-repeat; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 5px 9px; text-align: right; border-bottom: 1px solid var(--grid); }
th { color: var(--quiet); font-weight: 600; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13px/1.7 ui-monospace, monospace; }
@media (max-width: 560px) { dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: 8px; } }
)";

std::string part_style() {
  std::string light;
  std::string dark;
  std::string classes;
  for (const PartRow& part : kPartRows) {
    light += fmt::format(" --{}: {};", part.name, part.color);
    dark += fmt::format(" --{}: {};", part.name, part.color_on_dark);
    classes += fmt::format(".{0} {{ --c: var(--{0}); }}\n", part.name);
  }
  return fmt::format(":root {{{} }}\n@media (prefers-color-scheme: dark) {{ :root {{{} }} }}\n{}",
                     light, dark, classes);
}

std::string table_html(const ScalingReport& report) {
  std::string html = "<div class=\"scroll\"><table>\n";
  std::string_view cell = "th";
  for (const std::vector<std::string>& row : scaling_cells(report)) {
    html += "<tr>";
    for (const std::string& text : row)
      html += fmt::format("<{0}>{1}</{0}>", cell, html_text(text));
    html += "</tr>\n";
    cell = "td";
  }
  return html + "</table></div>\n";
}

std::string charts_html(const ScalingReport& report) {
  return fmt::format(
      "<div class=\"charts\">\n"
      "<section><h2>Speed-up</h2>\n{}{}</section>\n"
      "<section><h2>Efficiency</h2>\n{}<p class=\"quiet\">Only points without oversubscription.</p>"
      "</section>\n"
      "<section class=\"wide\"><h2>Time of a step by part, for ranks x "
      "threads</h2>\n{}{}</section>\n</div>\n",
      speedup_chart(report), line_legend(report), efficiency_chart(report), time_legend(report),
      time_chart(report));
}

std::string facts_html(const std::vector<PageFact>& facts) {
  std::string html = "<h2>What was measured</h2>\n<dl>\n";
  for (const PageFact& fact : facts) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(fact.name), html_text(fact.value));
  }
  return html + "</dl>\n";
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string scaling_page(const ScalingPage& page) {
  const ScalingReport& report = page.report;
  const std::string title =
      fmt::format("{} scaling of {}", report.mode == ScalingMode::strong ? "Strong" : "Weak",
                  html_text(page.name));
  const std::string progress =
      report.finished == report.planned
          ? plural(static_cast<std::uint64_t>(report.finished), "run")
          : fmt::format("{} of {} runs are finished", report.finished, report.planned);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"quiet\">{3}; the figure of a run is the median of its timed steps, that of a "
      "point "
      "the median of its runs.</p>\n",
      title, kStyle, part_style(), progress);
  html += fmt::format(
      "<p class=\"words{}\"><b>Digest</b> after {}: {}</p>\n", report.identical() ? "" : " wrong",
      plural(static_cast<std::uint64_t>(report.steps), "step"), html_text(digest_text(report)));
  html += fmt::format("<p class=\"words\"><b>Fit</b> {}</p>\n", html_text(fit_text(report)));
  html +=
      charts_html(report) + "<h2>Figures</h2>\n" + table_html(report) +
      "<p class=\"quiet\">exposed: exchange that computing did not hide; wait: for slower ranks; "
      "both as a share of the step. Oversubscribed points have more threads than processors and "
      "say nothing about scaling.</p>\n<br>\n";
  return html + facts_html(page.facts) + "</body>\n</html>\n";
}

}  // namespace lockstep::cli
