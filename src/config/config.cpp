#include "lockstep/config/config.hpp"

#include <fmt/format.h>

namespace lockstep::config {

std::span<const Settings> Config::settings(std::string_view section) const {
  if (section == "layer") return layers;
  if (section == "augment") return augmentations;
  if (section == "loss") return {&loss, 1};
  if (section == "optimizer") return {&optimizer, 1};
  if (section == "schedule") return {&schedule, 1};
  throw Error(ExitCode::internal, fmt::format("[{}] is not a typed section", section));
}

LocatedError Config::error(std::string_view path, std::string_view message) const {
  const std::string_view section = path.substr(0, path.find('.'));
  auto found = places.find(path);
  if (found != places.end() && found->second.origin == Place::Origin::builtin) {
    found = places.find(section);
  }
  if (found == places.end()) {
    throw Error(ExitCode::internal, fmt::format("the configuration has no key '{}'", path));
  }
  return located_error(found->second, message, section);
}

}  // namespace lockstep::config
