#include "lockstep/train/catalogue.hpp"
#include "train/catalogue/rows.hpp"

namespace lockstep {
using config::Key;
using config::Kind;
using config::Settings;

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
      {{"cosine",
        "Half a cosine from lr to final over the whole run.",
        {{.name = "final",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .sentence = "Learning rate at the end of the run."}}},
       [](const Settings& s, const Timeline& t) {
         if (s.real("final") > t.base)
           throw s.error("final", "'final' must be at most optimizer.lr");
         return cosine_schedule(t.total_steps, s.real("final") / t.base);
       }},
  };
  return rows;
}

}  // namespace lockstep
