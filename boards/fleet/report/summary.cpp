// SPDX-License-Identifier: Apache-2.0
// The run in a few sentences, for who has ten seconds.
#include <cctype>

#include "boards/fleet/report/internal/words.h"
#include "boards/fleet/report/page.h"

namespace latchkey::boards::fleet::report {
namespace {

constexpr std::size_t kMostActs = 3;

std::string capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// " cut 998 sessions within 280 ms"
std::string of_cuts(const ActFigures& act) {
  if (act.live == 0) return "";
  if (act.cut.waiting > 0) {
    return " left " + counted(act.cut.waiting, "session", "sessions") + " of " + count_text(act.live) + " alive";
  }
  return " cut " + (act.live == 1 ? "its session" : "all " + count_text(act.live) + " sessions") + " within " +
         duration_text(act.cut.ended.max());
}

std::string of_return(const ActFigures& act) {
  if (!act.expects_return || act.back.all() == 0) return "";
  const auto back = act.back.ended.count();
  const std::string last = act.back.ended.empty() ? "" : duration_text(act.back.ended.max());
  if (act.back.waiting == 0) {
    const std::string half = back > 1 ? ", half of them after " + duration_text(act.back.percentile(0.5)) : "";
    return (back == 1 ? "the device was" : "all " + count_text(back) + " devices were") + std::string(" back after ") +
           last + half;
  }
  return count_text(back) + " of " + count_text(act.back.all()) + " devices came back" +
         (back == 0 ? "" : ", the last of them after " + last) + "; " + count_text(act.back.waiting) + " did not";
}

std::string of_act(const ActFigures& act) {
  const std::string what = capital(act_text(act.act)) + " at " + moment_text(act.begun);
  if (act.answered && !act.succeeded) return what + " was refused" + (act.text.empty() ? "." : ": " + act.text);
  const std::string cuts = of_cuts(act);
  const std::string back = of_return(act);
  if (cuts.empty() && back.empty()) return what + (act.answered ? " was done." : " was not answered.");
  return what + (cuts.empty() ? ": " : cuts + (back.empty() ? "" : "; ")) + back + ".";
}

std::string of_end(const Figures& f) {
  std::string text = "In the end " + counted(f.connected, "device is", "devices are") + " connected";
  if (f.asleep > 0) text += ", " + count_text(f.asleep) + " asleep";
  if (f.disabled > 0) text += ", " + count_text(f.disabled) + " disabled";
  if (f.not_begun > 0) text += ", " + count_text(f.not_begun) + " never began";
  return text + (f.absent.empty() ? ", none missing." : ", and " + count_text(f.absent.size()) + " missing.");
}

}  // namespace

std::vector<std::string> summary_of(const Figures& f) {
  std::vector<std::string> result;
  std::size_t told = 0;
  std::uint64_t let_in = 0;
  bool revoked = false;
  for (const auto& act : f.acts) {
    let_in += act.let_in;
    revoked |= act.succeeded && act.affected > 0 && act.act.kind != history::ActKind::kEnableDevices &&
               act.act.kind != history::ActKind::kDisableDevices;
    if (told < kMostActs && (act.affected > 0 || f.acts.size() <= kMostActs)) {
      result.push_back(of_act(act));
      ++told;
    }
  }
  if (f.acts.empty() && !f.connect.from_due.ended.empty()) {
    result.push_back("Half of the devices were connected within " + duration_text(f.connect.from_due.percentile(0.5)) +
                     " of when they were due; 99 % within " + duration_text(f.connect.from_due.percentile(0.99)) + ".");
  }
  if (let_in > 0) {
    result.push_back(counted(let_in, "device", "devices") +
                     " got in with a revoked certificate after the revoke was answered.");
  } else if (revoked) {
    const bool is_whole = f.end && f.files_without_end == 0 && f.damages.empty();
    result.push_back(is_whole ? "No revoked certificate was let in again."
                              : "No revoked certificate was let in again, as far as the histories go.");
  }
  if (f.records > 0) result.push_back(of_end(f));
  return result;
}

std::vector<std::string> warnings_of(const Figures& f) {
  std::vector<std::string> result;
  if (f.records == 0)
    result.push_back("The histories hold no records.");
  else if (!f.end)
    result.push_back("The run broke off: its history has no end. What is told here ends at " + moment_text(f.length) +
                     ".");
  else if (f.end->why == history::Ending::kInterrupted)
    result.push_back("The run was stopped by hand at " + moment_text(f.length) + ".");
  else if (f.end->why == history::Ending::kFailed)
    result.push_back("The run failed at " + moment_text(f.length) + ": " + f.end->text);
  if (f.end && f.files_without_end > 0) {
    result.push_back(counted(f.files_without_end, "worker", "workers") +
                     " broke off: of these devices the rest of the run is missing.");
  }
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < f.damages.size() && i < kShown; ++i) {
    result.push_back(f.damages[i].file + ", line " + std::to_string(f.damages[i].line) + ": " + f.damages[i].why + ".");
  }
  if (f.damages.size() > kShown) {
    result.push_back(counted(f.damages.size() - kShown, "more line", "more lines") + " could not be read.");
  }
  return result;
}

}  // namespace latchkey::boards::fleet::report
