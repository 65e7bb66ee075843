#include "lockstep/config/settings.hpp"

#include <fmt/format.h>

namespace lockstep::config {
namespace {

template <typename T>
const T& value_of(const Settings& settings, std::string_view key) {
  const T* value = std::get_if<T>(&settings.entry(key).value);
  if (value == nullptr) {
    throw Error(ExitCode::internal,
                fmt::format("settings of [{}]: '{}' is absent or of another kind",
                            settings.section(), key));
  }
  return *value;
}

}  // namespace

Settings::Settings(std::string section, Place place)
    : section_(std::move(section)), place_(std::move(place)) {}

void Settings::set(const std::string& key, Entry entry) { entries_[key] = std::move(entry); }

const Settings::Entry& Settings::entry(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    throw Error(ExitCode::internal,
                fmt::format("settings of [{}] have no key '{}'", section_, key));
  }
  return found->second;
}

bool Settings::knows(std::string_view key) const { return entries_.contains(key); }

bool Settings::has(std::string_view key) const {
  return !std::holds_alternative<std::monostate>(entry(key).value);
}

bool Settings::boolean(std::string_view key) const { return value_of<bool>(*this, key); }
Index Settings::integer(std::string_view key) const { return value_of<Index>(*this, key); }
double Settings::real(std::string_view key) const { return value_of<double>(*this, key); }
Interval Settings::interval(std::string_view key) const { return value_of<Interval>(*this, key); }

const std::string& Settings::text(std::string_view key) const {
  return value_of<std::string>(*this, key);
}

std::variant<Index, std::string> Settings::index_or_text(std::string_view key) const {
  if (const Index* index = std::get_if<Index>(&entry(key).value)) return *index;
  return text(key);
}

const std::vector<double>& Settings::reals(std::string_view key) const {
  return value_of<std::vector<double>>(*this, key);
}

const std::vector<std::string>& Settings::texts(std::string_view key) const {
  return value_of<std::vector<std::string>>(*this, key);
}

LocatedError Settings::error(std::string_view key, std::string_view message) const {
  if (!key.empty()) {
    const Place& place = entry(key).place;
    if (place.origin != Place::Origin::builtin) return located_error(place, message, section_);
  }
  return located_error(place_, message, section_);
}

}  // namespace lockstep::config
