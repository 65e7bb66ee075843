#include "config/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "config/suggest.hpp"

namespace lockstep::config {
namespace {

bool contains(std::string_view text, std::string_view word) {
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

}  // namespace

std::vector<FoundKey> all_keys(const Catalogue& catalogue) {
  std::vector<FoundKey> found;
  for (const Section& section : sections()) {
    for (const Key& key : keys_of(section, nullptr, catalogue)) {
      found.push_back({fmt::format("{}.{}", section.name, key.name), section.array, key});
    }
    if (section.components == nullptr) continue;
    for (const Component& component : catalogue.*section.components) {
      for (const Key& key : component.keys) {
        found.push_back(
            {fmt::format("{}.{}.{}", section.name, component.type, key.name), section.array, key});
      }
    }
  }
  return found;
}

std::vector<FoundKey> keys_named(const Catalogue& catalogue, std::string_view name) {
  std::vector<FoundKey> found = all_keys(catalogue);
  std::erase_if(found, [&](const FoundKey& each) { return each.key.name != name; });
  return found;
}

std::vector<FoundKey> keys_like(const Catalogue& catalogue, std::string_view name) {
  std::vector<FoundKey> found = all_keys(catalogue);
  std::erase_if(found, [&](const FoundKey& each) {
    return each.key.name == name || !begin_alike(each.key.name, name);
  });
  return found;
}

std::vector<FoundKey> keys_about(const Catalogue& catalogue, std::string_view word) {
  std::vector<FoundKey> found = all_keys(catalogue);
  std::erase_if(found, [&](const FoundKey& each) {
    return !contains(each.path, word) && !contains(each.key.sentence, word);
  });
  return found;
}

std::string key_to_set(const Catalogue& catalogue, std::string_view option) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  std::string name(option.substr(0, option.find('=')));
  std::ranges::replace(name, '-', '_');
  for (const FoundKey& each : all_keys(catalogue)) {
    if (each.array) continue;
    const std::string path = each.path.substr(0, each.path.find('.')) + "." + each.key.name;
    if (path == name || each.key.name == name) return path;
  }
  return {};
}

}  // namespace lockstep::config
