#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 word", "two\nlines\n"};
}

// As a text with symbols of its own, and as one with those of another.
bool accepts(const std::string& input) {
  static const MemoryFile file;
  static const Vocabulary known = Vocabulary::of_text("word lines\n", "other");
  file.write(input);
  Source source = source_of("text", file);
  const bool own = accepted([&] {
    const Dataset data = load(source);
    const auto symbols = data.symbols();
    std::string again;
    for (const std::int32_t symbol : symbols) again += data.vocabulary().decode(symbol);
    if (input.starts_with("\xef\xbb\xbf")) again.insert(0, "\xef\xbb\xbf");  // no symbol
    if (again != input) throw std::logic_error("decodes to another text");
  });
  source.text.vocabulary = known;
  return accepted([&] { (void)load(source); }) || own;
}

}  // namespace

extern const Target kText{"text",
                          accepts,
                          seeds,
                          {"\xc3\xa4", "\xe2\x82\xac", "\xed\xa0\x80", "\xf4\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xc0\x80"}};

}  // namespace lockstep::fuzz
