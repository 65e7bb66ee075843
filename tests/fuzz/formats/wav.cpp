#include "data/data_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  const std::string eight(8, 'a');
  return {wav_file({1, -2, 3, -4, 32767, -32768}),
          wav_file(wav_format(1, 2, 8000, 8), eight, riff_chunk("LIST", "abc")),
          wav_file(wav_format(1, 1, 16000, 24), "abcdef"),
          wav_file(wav_format(1, 1, 8000, 32), eight),
          wav_file(wav_format(3, 1, 8000, 32), little_endian(0.5f)),
          wav_file(wav_format(3, 1, 8000, 64), little_endian(-0.5))};
}

bool accepts(const std::string& input) {
  static const MemoryFile file;
  file.write(input);
  Source source = source_of("wav", file);
  source.sound.seconds = 0.1;
  const bool wave = accepted([&] { (void)load(source); });
  source.sound.features = SoundFeatures::log_mel;
  source.sound.mel_bands = 4;
  return accepted([&] { (void)load(source); }) || wave;
}

}  // namespace

extern const Target kWav{"wav", accepts, seeds, {"RIFF", "WAVE", "fmt ", "data", "\xfe\xff"}};

}  // namespace lockstep::fuzz
