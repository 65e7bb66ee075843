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
      {{"constant", "Always lr."},
       [](const Settings&, const Timeline&) { return constant_schedule(); }},
      {{"step",
        "lr times factor once more after each interval.",
        {{.name = "every",
          .kind = Kind::interval,
          .required = true,
          .min = 0,
          .min_exclusive = true,
          .choices = {"steps", "epochs"},
          .sentence = "Distance between two drops."},
         {.name = "factor",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .sentence = "What each drop multiplies by."}}},
       [](const Settings& s, const Timeline& t) {
         return step_schedule(steps_of(s.interval("every"), t.steps_per_epoch), s.real("factor"));
       }},
      {{"cosine", "Half a cosine from lr to final over the whole run.", {kFinal}},
       [](const Settings& s, const Timeline& t) {
         return cosine_schedule(t.total_steps, final_of(s, t));
       }},
      {{"poly",
        "From lr to final as a power of the part of the run that is left.",
        {{.name = "power",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .min_exclusive = true,
          .sentence = "The power; 1 is a straight line."},
         kFinal}},
       [](const Settings& s, const Timeline& t) {
         return poly_schedule(t.total_steps, s.real("power"), final_of(s, t));
       }},
      {{"wsd",
        "Warm-up, stable, decay: lr, and in the end a straight line to final.",
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
        "Half a cosine up to lr, then another down to lr times final.",
        {{.name = "rise",
          .kind = Kind::real,
          .default_value = "0.3",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .max_exclusive = true,
          .sentence = "Fraction of the run in which the rate rises."},
         {.name = "start",
          .kind = Kind::real,
          .default_value = "0.04",
          .min = 0,
          .max = 1,
          .sentence = "First rate, as a factor on lr."},
         {.name = "final",
          .kind = Kind::real,
          .default_value = "4e-6",
          .min = 0,
          .max = 1,
          .sentence = "Last rate, as a factor on lr."}}},
       [](const Settings& s, const Timeline& t) {
         return one_cycle_schedule(
             t.total_steps,
             {.rise = s.real("rise"), .start = s.real("start"), .final = s.real("final")});
       }},
      {{"plateau",
        "lr times factor once more whenever a figure of the validation stops to improve.",
        {{.name = "metric",
          .default_value = "\"val/loss\"",
          .sentence = "The figure; as checkpoint.best."},
         {.name = "factor",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .max_exclusive = true,
          .sentence = "What each drop multiplies by."},
         {.name = "patience",
          .kind = Kind::integer,
          .default_value = "10",
          .min = 1,
          .unit = "evaluations",
          .sentence = "Evaluations without improvement that make the rate drop."},
         {.name = "min_delta",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .sentence = "What the figure must gain over its best to count as an improvement."},
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
