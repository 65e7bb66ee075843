#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// A key with the path by which `config explain` knows it.
struct FoundKey {
  std::string path;    ///< "data.batch", "optimizer.sgd.momentum"
  bool array = false;  ///< of a section that may be there several times
  Key key;
};

/// Every key of every section and type, in the order in which they are written.
[[nodiscard]] std::vector<FoundKey> all_keys(const Catalogue& catalogue);
/// Those of that name.
[[nodiscard]] std::vector<FoundKey> keys_named(const Catalogue& catalogue, std::string_view name);
/// Those of another name, one of which begins the other.
[[nodiscard]] std::vector<FoundKey> keys_like(const Catalogue& catalogue, std::string_view name);
/// Those whose path or sentence contains the word, in small or capital letters.
[[nodiscard]] std::vector<FoundKey> keys_about(const Catalogue& catalogue, std::string_view word);

/// The key that somebody means who writes `--lr`, `--weight-decay=0` or `--optimizer.lr`, as --set
/// names it: "optimizer.lr". Empty if there is none.
[[nodiscard]] std::string key_to_set(const Catalogue& catalogue, std::string_view option);

}  // namespace lockstep::config
