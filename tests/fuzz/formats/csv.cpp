#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {"\"a\",b,c\r\n1.5,\"2\",3\r\n-1e3,+2,0\n\n",
          "1;2;3\n4;5;6",
          "x\ty\n1\t0\n2\t1\n",
          "\xEF\xBB\xBF 1 2  0\n3 4 1 \n",
          "a,w,\"t\"\"t\"\n1,2,3\n4,5,6\n",
          "sep=;\r0;1;2\r1700000001;2;ant\r1700000002;3;\"b;c\"",
          "# a\n,id,b,\n1,9007199254740993,no,\n"};
}

bool accepts(const std::string& input) {
  static const MemoryFile file;
  file.write(input);
  const Source guessed = source_of("csv", file);
  Source told = guessed;
  told.header = true;
  told.delimiter = ',';
  told.weights = "w";
  told.target = 0;
  told.classification = false;
  told.input_offsets.find = told.target_offsets.find = true;
  Source unanswered = guessed;
  unanswered.inputs_only = true;
  unanswered.input_columns = 2;
  unanswered.columns = ColumnNames{{"b", "a"}, "y", ""};
  const bool as_guessed = accepted([&] { (void)load(guessed); });
  const bool as_told = accepted([&] { (void)load(told); });
  return accepted([&] { (void)load(unanswered); }) || as_guessed || as_told;
}

}  // namespace

extern const Target kCsv{
    "csv", accepts, seeds, {",", ";", "\t", "\"", "\"\"", "\r\n", "1e38", "3.5e38", "inf", "0x1"}};

}  // namespace lockstep::fuzz
