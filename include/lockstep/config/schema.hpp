#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/config/value.hpp"

namespace lockstep::config {

struct Config;

enum class Kind {
  boolean,
  integer,
  real,
  text,
  choice,
  reals,
  interval,
  bytes,
  index_or_text,
  reals_or_choice,
  texts,
};

/// Where the value of a fixed key lives in the Config.
using Field = std::variant<bool*, Index*, double*, std::string*, std::vector<double>*, Interval*,
                           Column*, std::optional<Index>*, std::optional<std::string>*>;

/// One key of the configuration, described in this one place: parser, `config explain`, JSON Schema
/// and the written forms all come from it.
///
///     {.name = "momentum", .kind = Kind::real, .default_value = "0.0", .min = 0, .max = 1,
///     .max_exclusive = true,
///      .sentence = "Fraction of the previous update that is kept."}
struct Key {
  std::string name{};
  Kind kind = Kind::text;
  std::optional<std::string>
      default_value{};  ///< in TOML syntax; without it the key is optional or required
  bool required = false;
  std::optional<double> min{};  ///< of the number, of each number of a list, of an interval's value
  std::optional<double> max{};
  bool min_exclusive = false;
  bool max_exclusive = false;
  std::vector<std::string> choices{};  ///< choice: the values; reals_or_choice: those beside a
                                       ///< list; interval: the units, all if empty; integer: words
                                       ///< that may stand for the number
  std::string unit{};                  ///< "samples", "bytes"; empty if it has none
  std::string old_name{};   ///< what the key was called before; it is read as if it were `name`
  bool deployment = false;  ///< does not change the result of a run; left out of checkpoints
  std::string sentence{};
  Field (*field)(Config&) = nullptr;  ///< fixed sections only; other keys are read through Settings
};

/// One alternative of a typed section: `type = "linear"` and the keys that come with it.
struct Component {
  std::string type;
  std::string sentence;
  std::vector<Key> keys{};
};

/// What can be built: handed in by the module that builds it.
struct Catalogue {
  std::vector<Component> layers;
  std::vector<Component> losses;
  std::vector<Component> optimizers;
  std::vector<Component> schedules;
  std::vector<Component> augmentations;
};

/// One section of the file.
struct Section {
  std::string name;
  std::string sentence;
  std::vector<Key> keys{};  ///< of a typed section: the keys that every type has
  std::vector<Component> Catalogue::*components = nullptr;  ///< set for a typed section
  std::string default_type{};  ///< of a typed section; empty: `type` is required
  bool array = false;          ///< written [[name]], once for each element
};

/// Every section in the order in which it is written.
[[nodiscard]] const std::vector<Section>& sections();
/// The section of that name, or null.
[[nodiscard]] const Section* find_section(std::string_view name);
[[nodiscard]] std::vector<std::string> section_names();

/// The key `type` of a typed section: a choice among the components.
[[nodiscard]] Key type_key(const Section& section, const Catalogue& catalogue);
/// All keys of a section: `type` first, the common ones, then those of `component` (null: none, or
/// a fixed section).
[[nodiscard]] std::vector<Key> keys_of(const Section& section, const Component* component,
                                       const Catalogue& catalogue);
/// The component of that type, or null.
[[nodiscard]] const Component* find_component(const Section& section, std::string_view type,
                                              const Catalogue& catalogue);

/// What is wrong with the table itself: a key or component without its sentence, a default outside
/// its own range, a name used twice. Empty for a good catalogue; tests check that.
[[nodiscard]] std::vector<std::string> faults(const Catalogue& catalogue);

/// "integer", "real", ...
[[nodiscard]] std::string_view kind_text(Kind kind);
/// The range in words: "at least 1", "above 0 and below 1"; empty if there is none.
[[nodiscard]] std::string range_text(const Key& key);

}  // namespace lockstep::config
