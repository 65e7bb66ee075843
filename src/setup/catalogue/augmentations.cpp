#include "setup/catalogue/rows.hpp"

namespace lockstep {
namespace {

using config::Key;
using config::Kind;
using config::Settings;

Key distance_key(const std::string& name, const std::string& sentence) {
  return {.name = name,
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = sentence};
}

Key border_key(const std::string& default_value) {
  return {.name = "border",
          .kind = Kind::choice,
          .default_value = default_value,
          .choices = {"blank", "edge", "reflect"},
          .sentence =
              "What comes in from outside: stored zeros, the outermost row or column again, "
              "or the sample mirrored there."};
}

Border border_of(const Settings& s) {
  const std::string& name = s.text("border");
  if (name == "edge") return Border::edge;
  return name == "reflect" ? Border::reflect : Border::blank;
}

Key count_key(const std::string& name, const std::string& default_value,
              const std::string& sentence) {
  return {.name = name,
          .kind = Kind::integer,
          .default_value = default_value,
          .min = 0,
          .max = 1 << 24,
          .sentence = sentence};
}

}  // namespace

const std::vector<Row<Augmentation>>& augmentation_rows() {
  static const std::vector<Row<Augmentation>> rows{
      {{"shift",
        "Moves the content of an image in both directions.",
        {distance_key("pixels", "Largest distance in each direction."), border_key("\"blank\"")}},
       [](const Settings& s) { return shift(s.integer("pixels"), border_of(s)); }},
      {{"crop",
        "Pads an image and cuts out a window of its old size.",
        {distance_key("padding", "Pixels added on every side."), border_key("\"reflect\"")}},
       [](const Settings& s) { return crop(s.integer("padding"), border_of(s)); }},
      {{"horizontal_flip",
        "Swaps left and right of an image.",
        {{.name = "probability",
          .kind = Kind::real,
          .default_value = "0.5",
          .min = 0,
          .max = 1,
          .sentence = "Fraction of the samples that are flipped."},
         {.name = "alternate",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Show each sample the other way than in the epoch before."}}},
       [](const Settings& s) {
         return horizontal_flip(s.real("probability"), s.boolean("alternate"));
       }},
      {{"cutout",
        "Sets a square of an image to 0, the mean of normalized data.",
        {distance_key("size", "Rows and columns of the square.")}},
       [](const Settings& s) { return cutout(s.integer("size")); }},
      {{"noise",
        "Adds nearly normal noise to every number.",
        {{.name = "deviation",
          .kind = Kind::real,
          .required = true,
          .min = 0,
          .sentence = "Its standard deviation, in units of the normalized data."}}},
       [](const Settings& s) { return noise(s.real("deviation")); }},
      {{"time_shift",
        "Moves a recording or sequence along its time.",
        {distance_key("steps", "Largest distance, earlier or later."), border_key("\"blank\"")}},
       [](const Settings& s) { return time_shift(s.integer("steps"), border_of(s)); }},
      {{"mask",
        "Sets stretches of time and of frequency to 0, as SpecAugment does.",
        {count_key("time", "0", "Largest width of a mask over time; 0: none."),
         count_key("time_masks", "1", "Number of masks over time."),
         count_key("bands", "0", "Largest width of a mask over frequency bands; 0: none."),
         count_key("band_masks", "1", "Number of masks over frequency bands.")}},
       [](const Settings& s) {
         if (s.integer("time") * s.integer("time_masks") == 0 &&
             s.integer("bands") * s.integer("band_masks") == 0) {
           throw s.error("", "a mask needs a width: give 'time', 'bands' or both");
         }
         return mask({.time = s.integer("time"),
                      .time_masks = s.integer("time_masks"),
                      .bands = s.integer("bands"),
                      .band_masks = s.integer("band_masks")});
       }},
  };
  return rows;
}

}  // namespace lockstep
