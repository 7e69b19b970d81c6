// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/json.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace latchkey::agent {
namespace {

using Token = JsonReader::Token;

// Reads to the end; kOk when all of it is JSON.
Status read_all(std::string_view text, std::vector<Token>* tokens = nullptr) {
  JsonReader reader(text);
  for (;;) {
    const auto token = reader.next();
    if (!token) return token.error();
    if (tokens != nullptr) tokens->push_back(*token);
    if (*token == Token::kEnd) return Status::kOk;
  }
}

TEST(JsonReader, gives_the_tokens_of_a_document_in_order) {
  std::vector<Token> tokens;
  ASSERT_EQ(read_all(R"( {"a":[1,-0.5e+3,"x"],"b":{},"c":[],"d":true,"e":false,"f":null} )", &tokens), Status::kOk);
  const std::vector<Token> expected = {Token::kObjectBegin, Token::kKey,       Token::kArrayBegin, Token::kNumber,
                                       Token::kNumber,      Token::kString,    Token::kArrayEnd,   Token::kKey,
                                       Token::kObjectBegin, Token::kObjectEnd, Token::kKey,        Token::kArrayBegin,
                                       Token::kArrayEnd,    Token::kKey,       Token::kTrue,       Token::kKey,
                                       Token::kFalse,       Token::kKey,       Token::kNull,       Token::kObjectEnd,
                                       Token::kEnd};
  EXPECT_EQ(tokens, expected);
}

TEST(JsonReader, takes_every_kind_of_document) {
  for (const char* text : {"0", "-1", "10", "1e9", "\"\"", "[]", "{}", "null", "true", "[[],[[]]]",
                           "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"", "{\"a\":{\"a\":1}}"}) {
    EXPECT_EQ(read_all(text), Status::kOk) << text;
  }
}

TEST(JsonReader, malformed_documents_are_refused) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "{]",
                           "[}",
                           "[1,]",
                           "{\"a\":1,}",
                           "{,}",
                           "[,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{1:1}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{\"a\":1 \"b\":2}",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "+1",
                           "tru",
                           "nul",
                           "True",
                           "NaN",
                           "\"",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\"",
                           "\"\\ud800x\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"\x01\"",
                           "\"\x80\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf5\x80\x80\x80\"",
                           "\"\xe2\x82\"",
                           "1 1",
                           "{} {}",
                           "[] ,",
                           "'a'",
                           "\"a\"b",
                           "\"\\",
                           "\"\\u"}) {
    EXPECT_EQ(read_all(text), Status::kMalformed) << text;
  }
}

TEST(JsonReader, zero_bytes_and_other_space_are_refused) {
  EXPECT_EQ(read_all(std::string_view("{}\0", 3)), Status::kMalformed);
  EXPECT_EQ(read_all("\xEF\xBB\xBF{}"), Status::kMalformed);
  EXPECT_EQ(read_all("[\v1]"), Status::kMalformed);
}

TEST(JsonReader, depth_is_bounded) {
  EXPECT_EQ(read_all(std::string(16, '[') + std::string(16, ']')), Status::kOk);
  EXPECT_EQ(read_all(std::string(17, '[') + std::string(17, ']')), Status::kTooLarge);
  EXPECT_EQ(read_all(std::string(100'000, '[')), Status::kTooLarge);
}

TEST(JsonReader, the_first_error_stays) {
  JsonReader reader("[x");
  EXPECT_TRUE(reader.next().has_value());
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_EQ(reader.next().error(), Status::kMalformed);
}

TEST(JsonReader, skip_passes_over_a_whole_value) {
  JsonReader reader(R"({"skip":{"a":[1,{"b":[]}]},"keep":7})");
  EXPECT_EQ(*reader.next(), Token::kObjectBegin);
  EXPECT_EQ(*reader.next(), Token::kKey);
  ASSERT_TRUE(reader.skip(*reader.next()).has_value());
  EXPECT_EQ(*reader.next(), Token::kKey);
  EXPECT_TRUE(reader.string().equals("keep"));
  EXPECT_EQ(*reader.next(), Token::kNumber);
  EXPECT_EQ(*reader.number_as_unsigned(), 7u);
}

TEST(JsonString, unescapes_what_servers_write) {
  std::array<std::uint8_t, 64> out;
  EXPECT_EQ(*JsonString{R"(a\u002Bb\/c\"\\\n)"}.unescape(out), "a+b/c\"\\\n");
  EXPECT_EQ(*JsonString{R"(\u00e9\u20AC\ud83d\ude00)"}.unescape(out), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  std::array<std::uint8_t, 2> small;
  EXPECT_EQ(JsonString{"abc"}.unescape(small).error(), Status::kTooLarge);
}

TEST(JsonString, equals_compares_what_is_meant) {
  EXPECT_TRUE(JsonString{R"(st\u0061tus)"}.equals("status"));
  EXPECT_FALSE(JsonString{"status"}.equals("statu"));
  EXPECT_FALSE(JsonString{"statu"}.equals("status"));
  EXPECT_TRUE(JsonString{}.equals(""));
}

// Whatever a peer sends, the reader ends, within the text, with the same verdict every time.
TEST(JsonReader, mutated_documents_never_lead_outside_the_text) {
  const std::string seed_text =
      R"({"operationId":"5.x","status":"assigned","registrationState":{"x509":{},"n":[1,-2.5e3,)"
      R"(true,null],"s":"\u00e9\ud83d\ude00\\"}})";
  std::mt19937 random(20251121);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed_text;
    for (unsigned i = random() % 4 + 1; i > 0; --i) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 5 + 1); break;
        case 2: text.insert(at, 1, "{}[]\",:\\u0"[random() % 10]); break;
        default: text.resize(at + 1); break;
      }
      if (text.empty()) text = "x";
    }
    const std::vector<char> exact(text.begin(), text.end());  // so that a sanitizer sees the end
    const std::string_view view(exact.data(), exact.size());
    EXPECT_EQ(read_all(view), read_all(text)) << "seed 20251121, round " << round;
  }
}

}  // namespace
}  // namespace latchkey::agent
