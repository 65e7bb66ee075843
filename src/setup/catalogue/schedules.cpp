#include <fmt/format.h>

#include "lockstep/setup/catalogue.hpp"

#include <string>

#include "setup/catalogue/rows.hpp"

namespace lockstep {
using config::Key;
using config::Kind;
using config::Settings;

namespace {

const Key kFinal{.name = "final",
                 .kind = Kind::real,
                 .default_value = "0.0",
                 .min = 0,
                 .sentence = "Learning rate at the end of the run."};

// The final rate as a factor on the base.
double final_of(const Settings& s, const Timeline& t) {
  if (s.real("final") > t.base) {
    throw s.error("final",
                  fmt::format("'final' must be at most the learning rate of the run, {}", t.base));
  }
  return s.real("final") / t.base;
}

}  // namespace

const std::vector<ScheduleRow>& schedule_rows() {
  static const std::vector<ScheduleRow> rows{
      {{"constant", "Constant learning rate."},
       [](const Settings&, const Timeline&) { return constant_schedule(); }},
      {{"step",
        "Multiplies the learning rate by factor at regular intervals.",
        {{.name = "every",
          .kind = Kind::interval,
          .required = true,
          .min = 0,
          .min_exclusive = true,
          .choices = {"steps", "epochs"},
          .sentence = "Interval between drops."},
         {.name = "factor",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .sentence = "Factor of each drop."}}},
       [](const Settings& s, const Timeline& t) {
         return step_schedule(steps_of(s.interval("every"), t.steps_per_epoch), s.real("factor"));
       }},
      {{"cosine", "Cosine decay from lr to final over the run.", {kFinal}},
       [](const Settings& s, const Timeline& t) {
         return cosine_schedule(t.total_steps, final_of(s, t));
       }},
      {{"poly",
        "Polynomial decay from lr to final over the run.",
        {{.name = "power",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Exponent of the decay; 1: linear."},
         kFinal}},
       [](const Settings& s, const Timeline& t) {
         return poly_schedule(t.total_steps, s.real("power"), final_of(s, t));
       }},
      {{"wsd",
        "Warm-up, stable, decay: constant lr, then linear decay to final at the end of the run.",
        {{.name = "decay",
          .kind = Kind::interval,
          .required = true,
          .min = 0,
          .min_exclusive = true,
          .choices = {"steps", "epochs"},
          .sentence = "Length of the decay at the end of the run."},
         kFinal}},
       [](const Settings& s, const Timeline& t) {
         const std::uint64_t decay = steps_of(s.interval("decay"), t.steps_per_epoch);
         if (decay > t.total_steps) {
           throw s.error("decay", "'decay' must be at most what the run has after the warm-up, " +
                                      std::to_string(t.total_steps) + " steps, is " +
                                      std::to_string(decay));
         }
         return wsd_schedule(t.total_steps, decay, final_of(s, t));
       }},
      {{"one_cycle",
        "One cycle: cosine rise from start to lr, then cosine decay to final.",
        {{.name = "rise",
          .kind = Kind::real,
          .default_value = "0.3",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .max_exclusive = true,
          .sentence = "Fraction of the run in which the learning rate rises."},
         {.name = "start",
          .kind = Kind::real,
          .default_value = "0.04",
          .min = 0,
          .max = 1,
          .sentence = "Initial learning rate, as a multiple of lr."},
         {.name = "final",
          .kind = Kind::real,
          .default_value = "4e-6",
          .min = 0,
          .max = 1,
          .sentence = "Final learning rate, as a multiple of lr."}}},
       [](const Settings& s, const Timeline& t) {
         return one_cycle_schedule(
             t.total_steps,
             {.rise = s.real("rise"), .start = s.real("start"), .final = s.real("final")});
       }},
      {{"plateau",
        "Multiplies the learning rate by factor when a validation metric stops improving.",
        {{.name = "metric",
          .default_value = "\"val/loss\"",
          .sentence = "Validation metric to watch; same choices as checkpoint.best."},
         {.name = "factor",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .max_exclusive = true,
          .sentence = "Factor of each drop."},
         {.name = "patience",
          .kind = Kind::integer,
          .default_value = "10",
          .min = 1,
          .unit = "evaluations",
          .sentence = "Evaluations without improvement before a drop."},
         {.name = "min_delta",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .sentence = "Smallest change of the metric that counts as an improvement."},
         {.name = "final",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .sentence = "Lowest learning rate."}}},
       [](const Settings& s, const Timeline& t) {
         return plateau_schedule({.metric = s.text("metric"),
                                  .factor = s.real("factor"),
                                  .patience = s.integer("patience"),
                                  .min_delta = s.real("min_delta"),
                                  .final = final_of(s, t)});
       }},
  };
  return rows;
}

}  // namespace lockstep
