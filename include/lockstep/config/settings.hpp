#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/config/place.hpp"
#include "lockstep/config/value.hpp"

namespace lockstep::config {

/// The values of one typed section: one layer, the loss, the optimizer or the schedule. It knows
/// every key of its component; those that were not given have their default.
/// Errors: asking for a key that the component does not have, that has another kind, or that is
/// optional and absent is a bug of ours: Error(ExitCode::internal).
class Settings {
 public:
  struct Entry {
    Value value;
    Place place;
  };

  Settings() = default;
  /// `section` is "layer", "loss", ...; `place` is its header in the file.
  Settings(std::string section, Place place);

  /// Adds a key; an absent one has the value monostate.
  void set(const std::string& key, Entry entry);

  [[nodiscard]] const std::string& section() const { return section_; }
  [[nodiscard]] const std::string& type() const { return text("type"); }
  /// The layer's name, given or automatic; layers only.
  [[nodiscard]] const std::string& name() const { return text("name"); }

  /// Whether the component has the key, with or without a value.
  [[nodiscard]] bool knows(std::string_view key) const;
  /// Whether the key has a value: false for an optional key that was not given.
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] Index integer(std::string_view key) const;
  /// Bytes of a key of kind bytes.
  [[nodiscard]] Index bytes(std::string_view key) const { return integer(key); }
  [[nodiscard]] double real(std::string_view key) const;
  /// The value of a key of kind text or choice.
  [[nodiscard]] const std::string& text(std::string_view key) const;
  /// The value of a key of kind index_or_text.
  [[nodiscard]] std::variant<Index, std::string> index_or_text(std::string_view key) const;
  [[nodiscard]] const std::vector<double>& reals(std::string_view key) const;
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view key) const;
  [[nodiscard]] Interval interval(std::string_view key) const;
  [[nodiscard]] const Entry& entry(std::string_view key) const;

  /// What is wrong with `key`, pointing at it in the file: throw settings.error("betas", "'betas'
  /// must have 2 numbers"). An empty key points at the section.
  [[nodiscard]] LocatedError error(std::string_view key, std::string_view message) const;

 private:
  std::string section_;
  Place place_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace lockstep::config
