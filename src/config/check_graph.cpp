#include <fmt/format.h>

#include <map>
#include <set>

#include "config/cross_checks.hpp"
#include "config/suggest.hpp"

namespace lockstep::config {
namespace {

/// Follows the values of the network through its layers: value 0 is the input, value i + 1 the
/// output of layer i.
class Graph {
 public:
  Graph(const Document& document, const Config& config, Problems& problems)
      : document_(document), layers_(config.layers), problems_(problems) {
    used_.resize(layers_.size() + 1);
    values_.emplace(kInputName, 0);
    for (std::size_t i = 0; i < layers_.size(); ++i) values_.emplace(layers_[i].name(), i + 1);
  }

  void check() {
    const std::vector<Table>& tables = document_.tables("layer");
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto from = tables[i].keys.find("from");
      if (from == tables[i].keys.end()) {
        used_[i] = true;
      } else if (const auto* names = from->second.value->as_array();
                 names != nullptr && !names->empty()) {
        take(i, from->second);
      } else {
        sound_ = false;  // reported where it was read
      }
    }
    // Behind a name that means nothing, what looks unused may not be.
    for (std::size_t i = 0; sound_ && i + 1 < layers_.size(); ++i) {
      if (used_[i + 1]) continue;
      problems_.add({tables[i].place,
                     fmt::format("no layer takes the output of '{}'", shown(layers_[i].name())),
                     "name it in the 'from' of a later layer, or remove it", "layer"});
    }
  }

 private:
  // The inputs of layer `layer`.
  void take(std::size_t layer, const Given& from) {
    std::set<std::string> taken;
    const toml::array& elements = *from.value->as_array();
    for (std::size_t e = 0; e < elements.size(); ++e) {
      const auto* text = elements.get(e)->as_string();
      if (text == nullptr || text->get().empty()) {
        sound_ = false;  // reported where it was read
        continue;
      }
      const std::string& name = text->get();
      const auto value = values_.find(name);
      if (value == values_.end() || value->second > layer) {
        refuse(layer, name, document_.element_place(from, e));
      } else if (!taken.insert(name).second) {
        problems_.add({document_.element_place(from, e),
                       fmt::format("'{}' is named twice", shown(name)), "once is enough", "layer"});
      } else {
        used_[value->second] = true;
      }
    }
  }

  // The layer does not exist, or not yet.
  void refuse(std::size_t layer, const std::string& name, const Place& place) {
    sound_ = false;
    const auto value = values_.find(name);
    if (value != values_.end()) {
      const bool itself = value->second == layer + 1;
      problems_.add({place,
                     itself ? fmt::format("layer '{}' cannot take its own output", shown(name))
                            : fmt::format("layer '{}' comes later", shown(name)),
                     "a layer takes the outputs of earlier ones", "layer"});
      return;
    }
    std::vector<std::string> earlier{std::string(kInputName)};
    for (std::size_t i = 0; i < layer; ++i) earlier.push_back(layers_[i].name());
    problems_.add({place, fmt::format("no layer is called '{}'", shown(name)),
                   suggestion(name, earlier), "layer"});
  }

  const Document& document_;
  const std::vector<Settings>& layers_;
  Problems& problems_;
  std::map<std::string, std::size_t, std::less<>> values_;
  std::vector<bool> used_;
  bool sound_ = true;
};

}  // namespace

void check_graph(const Document& document, const Config& config, Problems& problems) {
  Graph(document, config, problems).check();
}

}  // namespace lockstep::config
