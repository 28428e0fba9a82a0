#include "client/report/page_style.h"

namespace distill::client {
namespace {

constexpr char kStyle[] = R"css(
:root { --ground: #ffffff; --panel: #f6f7f9; --ink: #1c2128; --faint: #59636e; --edge: #d6dbe1;
  --right: 31, 120, 80; --wrong: 196, 60, 40;
  --c0: #0b62b8; --c1: #c4501b; --c2: #14804a; --c3: #9a3fb0; --c4: #8a6d00; --c5: #00808a;
  --c6: #c2185b; --c7: #5c6670; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171c; --panel: #1d2229; --ink: #e4e8ed; --faint: #98a3af; --edge: #38414b;
    --right: 72, 187, 120; --wrong: 240, 110, 90;
    --c0: #63b3ff; --c1: #ff9d5c; --c2: #56d392; --c3: #d68cf0; --c4: #e3c440; --c5: #4fd5df;
    --c6: #ff7eb0; --c7: #a6b0ba; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 24px; }
h1 { font-size: 1.7em; margin: 28px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.3em; margin: 36px 0 12px; border-bottom: 1px solid var(--edge); }
h3 { font-size: 1.2em; margin: 0 0 8px; overflow-wrap: anywhere; }
h4 { font-size: 1em; margin: 20px 0 8px; }
h5 { font-size: .95em; margin: 18px 0 6px; }
small, .note, dt { color: var(--faint); font-weight: normal; }
.note { margin: 4px 0 12px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--edge);
  vertical-align: top; }
thead th { color: var(--faint); font-weight: 600; white-space: nowrap; }
.n { text-align: right; }
td.text { white-space: pre-wrap; }
.facts th { color: var(--faint); font-weight: normal; white-space: nowrap; padding-right: 20px; }
.facts td { overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr));
  gap: 20px; }
figure { margin: 0; }
.chart, .job { background: var(--panel); border: 1px solid var(--edge); border-radius: 8px;
  padding: 12px 16px; min-width: 0; }
.job { margin-bottom: 24px; padding: 18px 22px; }
.chart h4 { margin: 0 0 6px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart text { fill: var(--faint); font-size: 12px; }
.grid { stroke: var(--edge); stroke-width: 1; }
.axis { stroke: var(--faint); stroke-width: 1; }
.chart path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.dashed { stroke-dasharray: 5 4; opacity: .8; }
.chart figcaption { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: .85em;
  margin-top: 6px; }
.chart figcaption span { overflow-wrap: anywhere; }
.chart svg.key { display: inline-block; width: 26px; height: 8px; margin-right: 6px;
  vertical-align: middle; }
path.c0 { stroke: var(--c0); } circle.c0 { fill: var(--c0); }
path.c1 { stroke: var(--c1); } circle.c1 { fill: var(--c1); }
path.c2 { stroke: var(--c2); } circle.c2 { fill: var(--c2); }
path.c3 { stroke: var(--c3); } circle.c3 { fill: var(--c3); }
path.c4 { stroke: var(--c4); } circle.c4 { fill: var(--c4); }
path.c5 { stroke: var(--c5); } circle.c5 { fill: var(--c5); }
path.c6 { stroke: var(--c6); } circle.c6 { fill: var(--c6); }
path.c7 { stroke: var(--c7); } circle.c7 { fill: var(--c7); }
.evaluation { border-top: 1px solid var(--edge); margin-top: 20px; }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 8px 0 12px; }
.figures dt { font-size: .85em; }
.figures dd { margin: 0; font-size: 1.15em; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; margin: 8px 0; font-weight: 600; }
pre { background: var(--ground); border: 1px solid var(--edge); border-radius: 6px; padding: 12px;
  overflow-x: auto; font-size: .85em; }
meter { width: 120px; height: 12px; }
.confusion th, .confusion td { padding: 4px 8px; white-space: nowrap; }
.confusion td { text-align: right; border: 1px solid var(--edge); }
.confusion tbody th { font-weight: normal; }
.confusion .right { background: rgba(var(--right), var(--share)); }
.confusion .wrong { background: rgba(var(--wrong), var(--share)); }
.confusion .deep { color: var(--ground); font-weight: 600; }
.matrix { width: min(100%, 640px); display: block; shape-rendering: crispEdges; }
.matrix .frame { fill: var(--ground); }
.matrix .right { fill: rgb(var(--right)); }
.matrix .wrong { fill: rgb(var(--wrong)); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px; }
.pictures figure { background: var(--ground); border: 1px solid var(--edge); border-radius: 6px;
  padding: 8px; font-size: .85em; overflow-wrap: anywhere; }
.pictures img, .missing { display: flex; align-items: center; justify-content: center;
  width: 100%; height: 120px; object-fit: contain; margin-bottom: 6px; color: var(--faint); }
.bad { color: rgb(var(--wrong)); }
@media print { .chart, .job { break-inside: avoid-page; } }
)css";

}  // namespace

std::string PageStyle() { return kStyle; }

}  // namespace distill::client
