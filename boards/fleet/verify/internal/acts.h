// SPDX-License-Identifier: Apache-2.0
// What operators and misfortunes did that concerns more than one device: acts with their answers, network cuts, faults
// of the hub. It answers whether the end of a session was asked for.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "boards/fleet/history/record.h"
#include "boards/fleet/verify/internal/life.h"

namespace latchkey::boards::fleet::verify {

struct Act {
  history::ActBegun begun;
  TimeUs begun_at = 0;
  TimeUs answered_at = kNever;
  std::vector<std::pair<history::Device, std::uint32_t>> concerned;  // and the newest generation of each when it began
};

// The certificates that are held are worth nothing after it.
bool condemns(const history::ActBegun& act);
// The device may not use the hub after it, whatever it holds.
bool disables(const history::ActBegun& act);

class Acts {
 public:
  // Whom it concerns is noted in their lives.
  void begin(TimeUs time, const history::ActBegun& act, std::vector<Life>& lives);
  void answer(TimeUs time, const history::ActAnswered& answer, std::vector<Life>& lives);
  void network_cut(TimeUs time, const history::Fault& fault);

  // Had anybody asked at `time` for the end of this session, which was opened at `opened`?
  bool explains(TimeUs time, TimeUs opened, const Life& life) const;
  // May the network have been gone at `time`? The parent tells of its cuts about a second late, so this is asked when
  // all is told.
  bool network_was_gone(TimeUs time) const;
  // Does the hub misbehave on request, now?
  bool hub_is_faulty() const { return faulty_; }

 private:
  std::map<std::uint32_t, Act> acts_;                       // by number
  std::map<std::int64_t, std::pair<TimeUs, TimeUs>> cuts_;  // from and until; kNever: not over
  TimeUs faulty_until_ = kNever;                            // when faults were last cleared
  TimeUs clock_moved_ = kNever;
  std::uint32_t clock_act_ = 0;
  bool faulty_ = false;
};

}  // namespace latchkey::boards::fleet::verify
