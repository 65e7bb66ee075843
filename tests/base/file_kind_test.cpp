#include "lockstep/base/file_kind.hpp"

#include <gtest/gtest.h>

#include <span>

namespace lockstep {
namespace {

using namespace std::string_literals;

std::optional<FileKind> kind_of(const std::string& content) {
  return kind_of_file(std::as_bytes(std::span(content)));
}

std::string in_16_bits(const std::string& text, bool little_endian) {
  std::string wide;
  for (const char c : text) wide += little_endian ? std::string{c, '\0'} : std::string{'\0', c};
  return wide;
}

TEST(FileKind, IsToldByContent) {
  const std::string table = "seconds,height,late\n1,2,0\n3,4,1\n";
  const std::string tar = "data.csv"s + std::string(249, '\0') + "ustar\00000"s + table;
  struct Case {
    std::string content, what, remedy;
  };
  const std::vector<Case> cases = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
       "a pointer of Git LFS that stands for a file of 12345 bytes; git lfs pull fetches it", ""},
      {"\xEF\xBB\xBF \n<!DOCTYPE html><html>", "an HTML page", "fetch the file again"},
      {"<HTML lang=\"en\">", "an HTML page", ""},
      {"<?xml version=\"1.0\"?><Error>", "an XML page", ""},
      {"\xff\xfe" + in_16_bits(table, true), "UTF-16 text", "iconv -f UTF-16 -t UTF-8"},
      {"\xfe\xff" + in_16_bits(table, false), "UTF-16 text", "iconv"},
      {in_16_bits(table, true), "UTF-16 text", "UTF-16LE"},
      {in_16_bits(table, false), "UTF-16 text", "UTF-16BE"},
      {"\xff\xfe\0\0a\0\0\0"s, "UTF-32 text", "iconv"},
      {"a\0\0\0,\0\0\0b\0\0\0\n\0\0\0"s, "UTF-32 text", "iconv -f UTF-32LE"},
      {"\0\0\0a\0\0\0,\0\0\0b\0\0\0\n"s, "UTF-32 text", "iconv -f UTF-32BE"},
      {"PK\x03\x04" + std::string(26, 'x') + "[Content_Types].xml", "a spreadsheet", "CSV"},
      {"PK\x03\x04" + std::string(26, 'x') + "arr_0.npy", "an NPZ archive",
       "each array is one .npy; weights: safetensors.numpy"},
      {"PK\x03\x04" + std::string(26, 'x') + "model/data.pkl", "torch.save", "safetensors"},
      {"PK\x03\x04" + std::string(26, 'x') + "a.csv", "a ZIP archive", "unzip"},
      {"\x80\x04\x95\x10" + std::string(20, 'x') + ".", "a pickle", "numpy.save"},
      {"\x80\x03}q" + std::string(20, 'x'), "a pickle", "numpy.save"},
      {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20" + std::string(20, 'x'), "a pickle", ""},
      {tar, "a tar archive", "tar xf"},
      {"BZh91AY&SY.....", "bzip2 data", "bunzip2"},
      {"\xfd\x37zXZ\0.."s, "xz data", "unxz"},
      {"\x28\xb5\x2f\xfd.....", "Zstandard data", "unzstd"},
      {"PAR1\x15\x04\x15", "a Parquet file", "CSV"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "an old Office file", "CSV"},
      {"MATLAB 7.3 MAT-file, Platform: GLNXA64", "a MATLAB 7.3 file", "transposed"},
      {"CDF\x01....", "a netCDF 3 file", "nccopy"},
      {"\xff\xd8\xff\xe0..JFIF", "a JPEG image", "mogrify"},
      {"GIF89a....", "a GIF image", "mogrify"},
      {"RIFF....WEBPVP8 ", "a WebP image", "mogrify"},
      {"RIFF....WAVEfmt ", "a WAV recording", ""},
      {"RF64....WAVEds64", "an RF64 recording", "sox"},
      {"ID3\x04......", "an MP3 recording", "sox"},
      {"P2\n1 1\n255\n7\n", "a portable image of type P2", "mogrify"},
      {"BM\x0c\0\0\0......"s, "a BMP image", "mogrify"},
      {"\x10\0\0\0\0\0\0\0{\"fc.weight\":{}}"s, "a safetensors file", "trainer import"},
      {"\x80\x02\0\0\0\0\0\0{\"fc.weight\":{}}....."s, "a safetensors file", ""},
      {"\0\0\x08\1\0\0\0\2ab"s, "an IDX file", ""},
      {std::string(100, '\0'), "nothing but zero bytes", "fetch the file again"},
  };
  for (const Case& c : cases) {
    const auto kind = kind_of(c.content);
    ASSERT_TRUE(kind) << "expected " << c.what;
    EXPECT_NE(kind->what.find(c.what), std::string::npos) << kind->what;
    EXPECT_NE(kind->remedy.find(c.remedy), std::string::npos) << kind->remedy;
  }
}

// Marks are letters as well, with which a table may begin.
TEST(FileKind, LeavesTextAndNumbersAlone) {
  for (const std::string& content :
       {""s, "a"s, "a,b\n1,2\n"s, "ID3,ID4\n1,2\n"s, "PAR1,PAR2\n0,1\n"s, "RF64,y\n1,0\n"s,
        "BM,BN,y\n1,2,0\n"s, "ids,ftyp,y\n1,2,0\n"s, "P1 P2\n0.5 1\n"s, "GIF8,a\n1,2\n"s,
        "OggS,x\n1,2\n"s, "Obj,x\n1,2\n"s, "version,oid,size\n1,2,3\n"s, "<a> is a letter\n"s,
        "0 0 1\n"s, std::string(63, '\0'), "\x07" + std::string(3072, '\0'),
        "\0\0\x08\1\0\0\0\2abc"s}) {
    EXPECT_FALSE(kind_of(content)) << content << " is " << kind_of(content)->what;
  }
}

TEST(FileKind, IsRefusedWithWhatWasExpectedAndTheRemedy) {
  try {
    refuse_kind("data.csv", *kind_of("BZh91AY&SY"), "samples", ExitCode::config);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_STREQ(error.what(),
                 "data.csv: expected samples, but this is bzip2 data\n  bunzip2 unpacks it");
  }
}

}  // namespace
}  // namespace lockstep
