#pragma once

#include <string>
#include <vector>

#include "lockstep/config/parse.hpp"

namespace lockstep::config {

/// A catalogue of its own for these tests, so that they do not change when a layer does.
inline Catalogue small_catalogue() {
  Catalogue out;
  out.layers = {
      {"linear",
       "Fully connected.",
       {{.name = "out", .kind = Kind::integer, .required = true, .min = 1, .sentence = "Outputs."},
        {.name = "bias",
         .kind = Kind::boolean,
         .default_value = "true",
         .sentence = "Whether a constant is added."}}},
      {"relu", "Positive part."}};
  out.losses = {{"cross_entropy",
                 "Surprise at the label.",
                 {{.name = "label_smoothing",
                   .kind = Kind::real,
                   .default_value = "0.0",
                   .min = 0,
                   .max = 1,
                   .max_exclusive = true,
                   .sentence = "Fraction of doubt."}}}};
  out.optimizers = {{"sgd",
                     "Stochastic gradient descent.",
                     {{.name = "momentum",
                       .kind = Kind::real,
                       .default_value = "0.0",
                       .min = 0,
                       .max = 1,
                       .max_exclusive = true,
                       .sentence = "Fraction of the previous update that is kept."},
                      {.name = "betas", .kind = Kind::reals, .sentence = "Decay rates."}}}};
  out.schedules = {
      {"constant", "Always lr."},
      {"cosine",
       "Half a cosine down.",
       {{.name = "final", .kind = Kind::real, .min = 0, .sentence = "Learning rate at the end."}}}};
  out.augmentations = {{"shift",
                        "Moves the content.",
                        {{.name = "pixels",
                          .kind = Kind::integer,
                          .required = true,
                          .min = 1,
                          .sentence = "How far."}}}};
  return out;
}

/// The smallest good configuration; `more` goes behind it.
inline std::string minimal(const std::string& more = {}) {
  return R"([run]
epochs = 2
[data]
train = "a.csv"
batch = 64
[[layer]]
type = "linear"
out = 10
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)" + more;
}

inline Config parse_text(const std::string& text, const std::vector<Override>& overrides = {},
                         const std::string& file = "mlp.toml") {
  return parse({file, text}, overrides, small_catalogue());
}

/// The message that refuses `text`; empty if it is accepted.
inline std::string refusal(const std::string& text, const std::vector<Override>& overrides = {}) {
  try {
    (void)parse_text(text, overrides);
  } catch (const Error& error) {
    return error.code() == ExitCode::config ? error.what() : "another exit code";
  }
  return {};
}

}  // namespace lockstep::config
