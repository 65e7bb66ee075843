#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lockstep {

/// What `graph_of` wrote, from a file that nobody vouches for: JSON is copied, printed and freed by
/// recursion, so what is nested deeper than any graph is left out.
/// Errors: nlohmann::json::exception if it is no JSON.
inline nlohmann::ordered_json parse_graph(const std::string& graph) {
  using Json = nlohmann::ordered_json;
  constexpr int kMaxDepth = 16;
  return Json::parse(graph,
                     [](int depth, Json::parse_event_t, Json&) { return depth <= kMaxDepth; });
}

}  // namespace lockstep
