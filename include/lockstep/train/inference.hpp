#pragma once

#include <string>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/events.hpp"

namespace lockstep {

/// Evaluates a checkpoint on its validation data, or on `data` (a path as in data.val; `labels` as
/// in data.val_labels), with the normalization stored in the checkpoint. Collective; the result is
/// the same on every rank and for every rank count. Errors: AgreedError; the file's faults as
/// Error(bad_data) or Error(no_input).
EvalEvent evaluate_checkpoint(const Communicator& world, const std::string& checkpoint,
                              const std::string& data, const std::string& labels);

/// Writes the predictions for the inputs in `data` to `out`: CSV, one row per sample in the order
/// of the file. Classification: columns label and the probability of each class; regression: the
/// values in the units of the data. Collective. Errors: AgreedError.
void predict_checkpoint(const Communicator& world, const std::string& checkpoint,
                        const std::string& data, const std::string& out);

}  // namespace lockstep
