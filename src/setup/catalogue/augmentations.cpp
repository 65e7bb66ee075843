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
              "How the border is filled: blank: zeros as stored; edge: the outermost row or column "
              "repeated; reflect: the sample mirrored."};
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
        "Shifts an image by a random distance along both axes.",
        {distance_key("pixels", "Largest shift along each axis, in pixels."),
         border_key("\"blank\"")}},
       [](const Settings& s) { return shift(s.integer("pixels"), border_of(s)); }},
      {{"crop",
        "Random crop: pads an image and cuts out a window of its original size.",
        {distance_key("padding", "Padding on each side, in pixels."), border_key("\"reflect\"")}},
       [](const Settings& s) { return crop(s.integer("padding"), border_of(s)); }},
      {{"horizontal_flip",
        "Flips an image left to right.",
        {{.name = "probability",
          .kind = Kind::real,
          .default_value = "0.5",
          .min = 0,
          .max = 1,
          .sentence = "Probability that a sample is flipped."},
         {.name = "alternate",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Flip at random in the first epoch, then alternate in every epoch."}}},
       [](const Settings& s) {
         return horizontal_flip(s.real("probability"), s.boolean("alternate"));
       }},
      {{"cutout",
        "Sets a random square of an image to 0, the mean of normalized data.",
        {distance_key("size", "Side of the square, in pixels.")}},
       [](const Settings& s) { return cutout(s.integer("size")); }},
      {{"noise",
        "Adds approximately Gaussian noise to every input value.",
        {{.name = "deviation",
          .kind = Kind::real,
          .required = true,
          .min = 0,
          .sentence = "Standard deviation of the noise, in units of the normalized data."}}},
       [](const Settings& s) { return noise(s.real("deviation")); }},
      {{"time_shift",
        "Shifts a recording or sequence in time by a random distance.",
        {distance_key("steps", "Largest shift in either direction, in positions."),
         border_key("\"blank\"")}},
       [](const Settings& s) { return time_shift(s.integer("steps"), border_of(s)); }},
      {{"mask",
        "Masks random ranges of time and frequency with 0, as in SpecAugment.",
        {count_key("time", "0", "Largest width of a time mask; 0: none."),
         count_key("time_masks", "1", "Number of time masks."),
         count_key("bands", "0", "Largest width of a frequency mask, in bands; 0: none."),
         count_key("band_masks", "1", "Number of frequency masks.")}},
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
