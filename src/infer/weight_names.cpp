#include "infer/weight_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

using Renaming = std::function<std::string(const std::string&)>;

std::set<std::string> names_of(const ParameterTable& table) {
  std::set<std::string> names;
  for (const Parameter& p : table.parameters()) names.insert(p.name);
  return names;
}

/// Whether the tensors have these names and no others.
bool fits(const Safetensors& weights, const std::set<std::string>& names, const Renaming& rename) {
  std::size_t found = 0;
  for (const SafetensorsTensor& tensor : weights.tensors) {
    const std::string name = rename(tensor.name);
    if (counts_batches(name)) continue;
    if (!names.contains(name)) return false;
    ++found;
  }
  return found == names.size();
}

Safetensors renamed(Safetensors weights, const Renaming& rename, const std::string& label) {
  std::set<std::string> names;
  for (SafetensorsTensor& tensor : weights.tensors) {
    tensor.name = rename(tensor.name);
    if (names.insert(tensor.name).second) continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: tensor '{}' is there twice once the prefix is taken off", label,
                            tensor.name));
  }
  return weights;
}

Renaming without_prefix(const std::string& prefix) {
  return [prefix](const std::string& name) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  };
}

/// DistributedDataParallel and DataParallel put "module." before every name, torch.compile
/// "_orig_mod." before those of what it compiles.
std::string without_wrappers(const std::string& name) {
  std::string rest = "." + name;
  for (const std::string_view wrapper : {".module.", "._orig_mod."}) {
    for (std::size_t at = rest.find(wrapper); at != rest.npos; at = rest.find(wrapper)) {
      rest.erase(at, wrapper.size() - 1);
    }
  }
  return rest.substr(1);
}

/// What a name begins with, up to each of its first dots.
std::vector<std::string> beginnings_of(const std::string& name) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> beginnings;
  for (std::size_t dot = name.find('.'); dot != name.npos && beginnings.size() < kMost;
       dot = name.find('.', dot + 1)) {
    beginnings.push_back(name.substr(0, dot + 1));
  }
  return beginnings;
}

}  // namespace

bool counts_batches(std::string_view name) { return name.ends_with(".num_batches_tracked"); }

NamedWeights named_as(const Safetensors& weights, const ParameterTable& table,
                      const std::string& prefix, const std::string& label) {
  const auto& tensors = weights.tensors;
  if (!prefix.empty()) {
    const auto begins = [&](const SafetensorsTensor& t) { return t.name.starts_with(prefix); };
    if (std::ranges::any_of(tensors, begins)) {
      return {renamed(weights, without_prefix(prefix), label), {}};
    }
    throw Error(ExitCode::bad_data,
                fmt::format("{}: --strip-prefix: no name begins with '{}'; the first is '{}'",
                            label, prefix, tensors.empty() ? "" : tensors.front().name));
  }
  const std::set<std::string> names = names_of(table);
  if (tensors.empty() || fits(weights, names, std::identity())) return {weights, {}};
  if (fits(weights, names, without_wrappers)) {
    return {renamed(weights, without_wrappers, label),
            "names without what PyTorch's wrappers put into them, module. and _orig_mod."};
  }
  for (const std::string& shared : beginnings_of(tensors.front().name)) {
    if (!fits(weights, names, without_prefix(shared))) continue;
    return {renamed(weights, without_prefix(shared), label),
            fmt::format("names without '{}', which all of them begin with", shared)};
  }
  return {weights, {}};
}

std::string naming_hint(const Safetensors& weights, const ParameterTable& table) {
  const std::set<std::string> names = names_of(table);
  std::map<std::string, std::size_t> behind;  // each prefix, how many of the network's names stand
  std::size_t as_they_are = 0;
  for (const SafetensorsTensor& tensor : weights.tensors) {
    as_they_are += names.contains(tensor.name) ? 1 : 0;
    for (const std::string& beginning : beginnings_of(tensor.name)) {
      if (names.contains(tensor.name.substr(beginning.size()))) ++behind[beginning];
    }
  }
  const auto most = std::ranges::max_element(behind, {}, [](const auto& b) { return b.second; });
  if (most == behind.end() || most->second <= as_they_are) return {};
  return fmt::format("{} of the network's {} tensors are there behind '{}'; try: --strip-prefix {}",
                     most->second, names.size(), most->first, most->first);
}

}  // namespace lockstep
