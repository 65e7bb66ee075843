#include "lockstep/base/printable.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lockstep {
namespace {

TEST(Printable, TextOfPeopleStays) {
  for (const char* text : {"", "plain, with spaces ~", "Größe", "日本語", "🚗", "a\\x1b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, WhatATerminalObeysIsEscaped) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"), "\\x9b") << "CSI in two bytes";
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0") << "a space that does not break";
  EXPECT_EQ(printable("\xE2\x80\xAE"), "\\u202e") << "from right to left";
  EXPECT_EQ(printable("\xE2\x81\xA6\xE2\x80\xA8\xD8\x9C\xEF\xBB\xBF"),
            "\\u2066\\u2028\\u061c\\ufeff");
}

TEST(Printable, BytesThatAreNoUtf8AreEscapedOneByOne) {
  EXPECT_EQ(printable("\xFFx"), "\\xffx");
  EXPECT_EQ(printable("\x9B"), "\\x9b") << "CSI in one byte";
  EXPECT_EQ(printable("\xC3"), "\\xc3") << "cut off";
  EXPECT_EQ(printable("\xC0\x8A"), "\\xc0\\x8a") << "a line break in two bytes";
  EXPECT_EQ(printable("\xE0\x80\x8A"), "\\xe0\\x80\\x8a");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond the last character";
  EXPECT_EQ(printable("\xE6\x97x"), "\\xe6\\x97x");
}

TEST(Printable, NamesHaveNoControlCharacters) {
  for (const char* name : {"a\nb", "\x1b[31m", "x\x7f", "\t"}) EXPECT_TRUE(has_controls(name));
  EXPECT_TRUE(has_controls(std::string_view("a\0b", 3)));
  for (const char* name : {"", "a b", "caf\xc3\xa9"}) EXPECT_FALSE(has_controls(name));
}

TEST(Printable, LettersThatAreSeenTellNamesApart) {
  for (const char* const name :
       {"no", " No ", "NO", "no\xC2\xA0", "\xEF\xBB\xBFno", "n\xE2\x80\x8Bo"}) {
    EXPECT_EQ(seen_letters(name), "no") << name;
  }
  EXPECT_EQ(seen_letters("GR\xC3\x9CN"), "gr\xC3\xBCn");            // ü
  EXPECT_EQ(seen_letters("\xD0\x94\xD0\xB0"), "\xD0\xB4\xD0\xB0");  // Да
  EXPECT_EQ(seen_letters("\xC4\x8C"), "\xC4\x8D");                  // č
  EXPECT_EQ(seen_letters("a\xFF"), "a\xFF");
  EXPECT_NE(seen_letters("3\xC3\x97"), seen_letters("3\xC3\xB7"));  // × and ÷
}

TEST(Printable, LinesOfATextStay) { EXPECT_EQ(printable_lines("a\n\tb\x1b\r"), "a\n\tb\\x1b\\r"); }

TEST(Printable, OnlyIndentedLinesBelongToAMessage) {
  EXPECT_EQ(printable_message("bad file\n  try another"), "bad file\n  try another");
  EXPECT_EQ(printable_message("bad x\ntrainer: error: forged\n  try"),
            "bad x\\ntrainer: error: forged\n  try");
  EXPECT_EQ(printable_message("x\n"), "x\\n");
}

TEST(Printable, ACharacterInTwoPiecesIsWaitedFor) {
  const std::string text = "a日";
  EXPECT_EQ(whole_characters(text), text);
  EXPECT_EQ(whole_characters(text.substr(0, 3)), "a");
  EXPECT_EQ(whole_characters(text.substr(0, 2)), "a");
  EXPECT_EQ(whole_characters("a\xFF"), "a\xFF") << "begins nothing";
  EXPECT_EQ(whole_characters("\x80\x80\x80\x80"), "\x80\x80\x80\x80");
}

TEST(Printable, JsonSaysTheSameWithEscapes) {
  EXPECT_EQ(printable_json("{\"a\": \"\xC2\x9B\x7F ü \xE2\x80\xAE\"}\n"),
            "{\"a\": \"\\u009b\\u007f ü \\u202e\"}\n");
}

}  // namespace
}  // namespace lockstep
