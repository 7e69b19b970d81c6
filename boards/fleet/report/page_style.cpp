// SPDX-License-Identifier: Apache-2.0
// The page's style sheet. Colours for data are those of Okabe and Ito ("Color Universal Design", 2008), which people
// with any of the usual colour deficiencies tell apart; lines also differ in dashes.
#include "boards/fleet/report/internal/sections.h"

namespace latchkey::boards::fleet::report {
namespace {

constexpr const char* kStyle = R"css(
:root{--paper:#fff;--ink:#1c2024;--soft:#5c656e;--rule:#e3e6e9;--faint:#f1f3f4;--panel:#f7f8f9;--warn:#fff4e0;--warnline:#d55e00;
--g1:#0072b2;--g2:#e69f00;--g3:#009e73;--g4:#cc79a7;--g5:#56b4e9;--g6:#d55e00;--other:#8b949c;--sleep:#c9ced3;--word:#fff;
--cut:#d55e00;--ref:#b07800;--back:#0072b2;--due:#d55e00;--try:#0072b2;--cert:#009e73;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e8eaec;--soft:#9aa4ad;--rule:#2b3137;--faint:#20252a;--panel:#1b1f23;
--warn:#33260f;--g1:#3a9bdc;--g2:#e0a030;--g3:#25b58b;--g4:#d68fb5;--g5:#7cc6f0;--g6:#e8743b;--other:#7f8992;--sleep:#414950;--word:#0b0d0f;
--cut:#f0834d;--ref:#e6b34d;--back:#4aa8e8;--due:#f0834d;--try:#4aa8e8;--cert:#2fc096}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:1060px;margin:0 auto;padding:40px 28px 64px}
h1{font-size:30px;line-height:1.2;margin:0;letter-spacing:-.015em;font-weight:650}
h2{font-size:19px;margin:52px 0 4px;font-weight:650;letter-spacing:-.005em}
h3{font-size:16px;margin:30px 0 2px;font-weight:650}
p{margin:4px 0 12px;max-width:76ch}
.eyebrow{font-size:13px;color:var(--soft);margin:0 0 6px}
.meta{color:var(--soft);font-size:14px;margin-top:8px}
.lead{font-size:20px;line-height:1.45;margin:26px 0 22px;max-width:62ch}
.lead span{display:block;margin-bottom:6px}
.note{color:var(--soft);font-size:14px}
.warning{background:var(--warn);border-left:4px solid var(--warnline);padding:10px 16px;margin:20px 0;max-width:none;border-radius:2px}
.warning p{margin:2px 0}
dl.tiles{display:flex;flex-wrap:wrap;gap:1px;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden;margin:0}
.tiles div{flex:1 1 128px;background:var(--paper);padding:13px 14px}
.tiles dt{font-size:13px;color:var(--soft)}
.tiles dd{margin:2px 0 0;font-size:22px;font-weight:600;letter-spacing:-.01em;white-space:nowrap}
.tiles small{display:block;font-size:12.5px;font-weight:400;color:var(--soft);letter-spacing:0;white-space:normal}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0 2px;padding:0;list-style:none;font-size:13.5px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:7px;vertical-align:-1px;background:currentColor}
.legend i.stroke{width:22px;height:0;border-radius:0;border-top:2.5px solid currentColor;background:none;vertical-align:4px}
.legend i.dashed{border-top-style:dashed}
.legend b{font-weight:400;color:var(--ink)}
.legend em{font-style:normal;color:var(--soft)}
.chart{overflow-x:auto;margin:6px 0 4px}
svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
.wide svg{min-width:720px}
.three{display:grid;grid-template-columns:repeat(auto-fit,minmax(290px,1fr));gap:8px 26px}
.three h3{margin-top:16px}
.grid{stroke:var(--rule);stroke-width:1}.faint{stroke:var(--faint)}.axis{stroke:var(--soft);stroke-width:1}
text{fill:var(--soft)}.label{fill:var(--ink);font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
.word{font-weight:600}.word.inside{fill:var(--word)}.word.on-g2,.word.on-g5{fill:#1c2024}.word.on-sleep{fill:var(--ink)}
.line{fill:none;stroke:currentColor;stroke-width:2.2;stroke-linejoin:round}.dash{stroke-dasharray:7 4}.dot{fill:currentColor;stroke:var(--paper);stroke-width:1.5}
path.area,rect.fill{fill:currentColor;stroke:none}
.mark line{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}.mark text{fill:var(--ink);font-weight:600}
rect.gap{fill:var(--soft);opacity:.16}li.gap{color:var(--soft)}li.gap i{opacity:.3}
.g1{color:var(--g1)}.g2{color:var(--g2)}.g3{color:var(--g3)}.g4{color:var(--g4)}.g5{color:var(--g5)}.g6{color:var(--g6)}.other{color:var(--other)}
.sleep{color:var(--sleep)}.cut{color:var(--cut)}.ref{color:var(--ref)}.back{color:var(--back)}.due{color:var(--due)}.try{color:var(--try)}.cert{color:var(--cert)}
text.g1,text.g2,text.g3,text.cut,text.ref,text.back,text.due,text.try,text.cert{fill:currentColor}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:14.5px;margin:10px 0 6px}
th,td{text-align:left;padding:6px 22px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;font-size:13px;color:var(--soft);white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
tr.sub td:first-child{padding-left:18px;color:var(--soft)}
td.bad{color:var(--cut);font-weight:600}
details{margin:10px 0}summary{cursor:pointer;color:var(--soft);font-size:14.5px}
footer{margin-top:60px;border-top:1px solid var(--rule);padding-top:14px;color:var(--soft);font-size:13.5px}
footer p{max-width:96ch}
@media (max-width:640px){main{padding:24px 16px 48px}h1{font-size:24px}.lead{font-size:18px}}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--rule:#ccc;--faint:#eee;--warn:#fff;--word:#fff;--g1:#0072b2;--g2:#e69f00;--g3:#009e73;
--g4:#cc79a7;--g5:#56b4e9;--g6:#d55e00;--other:#8b949c;--sleep:#c9ced3;--cut:#d55e00;--ref:#b07800;--back:#0072b2;--due:#d55e00;--try:#0072b2;--cert:#009e73}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}body{font-size:12px}.wide svg{min-width:0}
.chart,table,tr,.tiles,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}h2{margin-top:28px}.three{grid-template-columns:repeat(3,1fr)}}
)css";

}  // namespace

std::string style_sheet() { return kStyle; }

}  // namespace latchkey::boards::fleet::report
