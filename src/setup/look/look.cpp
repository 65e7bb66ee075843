#include "setup/look/look.hpp"

#include <algorithm>
#include <iterator>

#include "lockstep/data/layout_hint.hpp"

namespace lockstep {
namespace {

// Whether the inputs are numbers of symbols, which are as large as they are.
bool takes_symbols(const Network& network) {
  return std::ranges::any_of(network.nodes(),
                             [](const Network::Node& node) { return node.symbols > 0; });
}

void append(Notes& notes, Notes more) {
  notes.insert(notes.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

}  // namespace

Notes look_at(const Setup& setup) {
  const DataSets& sets = *setup.data;
  const Network& network = *setup.network;
  const bool of_text = sets.train_data->describe().is_text();
  Notes notes = look_at_network(network, *setup.loss, of_text);
  append(notes, look_at_groups(network, setup.config.layers));
  if (of_text) return notes;
  append(notes, look_at_weights(sets.train, sets.val));
  append(notes,
         look_at_inputs(sets.train, sets.train_data->column_names(), takes_symbols(network)));
  append(notes, setup.loss->classifies()
                    ? look_at_labels(sets.train, sets.val, network.output_shape().channels,
                                     sets.class_names)
                    : look_at_values(sets.train, *setup.loss, network));
  append(notes, look_at_split(sets, setup.config.checkpoint.best));
  const std::string hint = layout_hint(*sets.train_data, setup.config.data.layout == "nchw");
  if (!hint.empty()) notes.push_back(hint);
  return notes;
}

}  // namespace lockstep
