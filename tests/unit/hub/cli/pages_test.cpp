// SPDX-License-Identifier: Apache-2.0
// Help, reference pages and completion against the table of verbs. With LATCHKEY_WRITE_PAGES set in the environment
// docs/cli.md and docs/latchkey.1 are written instead of compared; then read what changed in them.
#include "hub/cli/internal/pages.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

using Words = std::vector<std::string>;

const std::string kBegin = "<!-- verbs: made and checked by tests/unit/hub/cli/pages_test.cpp -->\n";
const std::string kEnd = "<!-- end of the verbs -->\n";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool writing() { return std::getenv("LATCHKEY_WRITE_PAGES") != nullptr; }

// Line by line, so that a failure shows the lines and not two whole pages.
void expect_same_lines(const std::string& is_text, const std::string& should_text) {
  std::istringstream is(is_text);
  std::istringstream should(should_text);
  std::string is_line;
  std::string should_line;
  while (std::getline(should, should_line)) {
    is_line.clear();
    std::getline(is, is_line);
    ASSERT_EQ(is_line, should_line) << "LATCHKEY_WRITE_PAGES=1 test_hub_cli --gtest_filter='Pages.*' writes it anew";
  }
  EXPECT_FALSE(std::getline(is, is_line)) << "the page goes on with: " << is_line;
}

Words command_words(const Verb& verb) {
  std::istringstream text(verb.noun + " " + verb.name);
  return {std::istream_iterator<std::string>(text), {}};
}

std::vector<std::string> names_of(const Option& option) {
  std::istringstream text(option.names);
  std::vector<std::string> names;
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  return names;
}

class Pages : public management::CommandLineTest<management::ManagementTest> {
 protected:
  Words complete(Words words) {
    words.insert(words.begin(), "__complete");
    std::vector<const char*> argv = {"latchkey"};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::istringstream in;
    std::ostringstream printed;
    std::ostringstream complaints;
    EXPECT_EQ(run_cli(static_cast<int>(argv.size()), argv.data(), Terminal{in, printed, complaints, false}), 0);
    EXPECT_EQ(complaints.str(), "");
    std::istringstream text(printed.str());
    Words lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  // Of the hub of this test.
  Words complete_here(Words words) {
    words.insert(words.begin(), {"--data", folder.path()});
    return complete(words);
  }
};

TEST_F(Pages, cli_page_is_what_the_table_says) {
  const auto page = read_file(LATCHKEY_CLI_PAGE);
  const auto begin = page.find(kBegin);
  const auto end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << LATCHKEY_CLI_PAGE << " has no place for the verbs";
  ASSERT_NE(end, std::string::npos);
  const auto from = begin + kBegin.size();
  if (writing()) {
    std::ofstream(LATCHKEY_CLI_PAGE) << page.substr(0, from) << reference_page() << page.substr(end);
    return;
  }
  expect_same_lines(page.substr(from, end - from), reference_page());
  for (const auto& option : complete({"--"})) EXPECT_THAT(page, HasSubstr(option));
}

TEST_F(Pages, manual_page_is_what_the_table_says) {
  if (writing()) {
    std::ofstream(LATCHKEY_MANUAL_PAGE) << manual_page();
    return;
  }
  expect_same_lines(read_file(LATCHKEY_MANUAL_PAGE), manual_page());
}

TEST_F(Pages, help_of_every_verb_shows_an_example_of_that_verb_with_all_that_it_requires) {
  for (const auto& verb : all_verbs()) {
    const auto example = example_of(verb);
    auto words = command_words(verb);
    std::string command = "latchkey";
    for (const auto& word : words) command += " " + word;
    EXPECT_EQ(example.rfind(command, 0), 0U) << example;
    for (const auto& option : verb.options) {
      bool there = !option.required;
      for (const auto& name : names_of(option)) there = there || example.find(" " + name) != std::string::npos;
      EXPECT_TRUE(there) << example << " lacks " << option.names;
    }
    words.emplace_back("--help");
    ASSERT_EQ(run(words), 0) << command;
    EXPECT_THAT(out, HasSubstr("Example:\n  " + example)) << command;
  }
}

TEST_F(Pages, completion_leads_to_every_verb_and_every_option) {
  for (const auto& verb : all_verbs()) {
    auto words = command_words(verb);
    EXPECT_THAT(complete(words), Contains(words.back())) << verb.noun;
    words.back().clear();
    EXPECT_THAT(complete(words), Contains(verb.name)) << verb.noun;
    words.back() = verb.name;
    words.emplace_back("--");
    const auto offered = complete(words);
    for (const auto& option : verb.options) EXPECT_THAT(offered, Contains("--" + key_of(option))) << verb.name;
    if (verb.irreversible) {
      EXPECT_THAT(offered, Contains("--yes"));
    }
    EXPECT_THAT(offered, Contains("--data"));
  }
}

TEST_F(Pages, completion_offers_only_what_begins_as_typed) {
  EXPECT_THAT(complete({"names"}), UnorderedElementsAre("namespace"));
  EXPECT_THAT(complete({"--out"}), UnorderedElementsAre("--output"));
  EXPECT_THAT(complete({"nothing-like-it"}), IsEmpty());
  EXPECT_THAT(complete({"namespace", "show", "--zzz"}), IsEmpty());
}

TEST_F(Pages, completion_offers_the_values_that_an_option_allows) {
  EXPECT_THAT(complete({"-o", ""}), UnorderedElementsAre("table", "json"));
  for (const auto& verb : all_verbs()) {
    for (const auto& option : verb.options) {
      if (option.values.empty()) continue;
      auto words = command_words(verb);
      words.insert(words.end(), {"--" + key_of(option), ""});
      EXPECT_EQ(complete(words), option.values) << verb.noun << ' ' << verb.name;
    }
  }
}

TEST_F(Pages, completion_offers_the_names_of_what_exists) {
  ASSERT_EQ(run("namespace create -n plant-2"), 0) << err;
  ASSERT_EQ(run("namespace create -n plant-3"), 0) << err;
  EXPECT_THAT(complete_here({"namespace", "show", "-n", "plant"}), UnorderedElementsAre("plant-2", "plant-3"));
  EXPECT_THAT(complete_here({"policy", "list", "--namespace", "plant-2"}), UnorderedElementsAre("plant-2"));
  EXPECT_THAT(complete_here({"namespace", "delete", "-y", "--name", ""}), Contains("plant-3"));
  EXPECT_THAT(complete_here({"policy", "show", "--namespace", "plant-2", "-n", ""}), IsEmpty());
  EXPECT_THAT(complete_here({"namespace", "create", "-n", "plant"}), IsEmpty());  // that one is new
}

TEST_F(Pages, completion_without_a_hub_offers_no_names_and_does_not_complain) {
  EXPECT_THAT(complete({"--data", folder.file("nowhere"), "namespace", "show", "-n", ""}), IsEmpty());
}

TEST_F(Pages, completion_is_not_shown_among_the_verbs) {
  EXPECT_THAT(complete({""}), Not(Contains("__complete")));
  ASSERT_EQ(run("--help"), 0);
  EXPECT_THAT(out, Not(HasSubstr("__complete")));
}

}  // namespace
}  // namespace latchkey::hub::cli
