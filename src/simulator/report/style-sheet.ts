import { html } from './markup.ts';

/** Fills that a reader tells apart without colour; they take theirs from the style sheet. */
export const HATCHES = html`<svg class="hatches" width="0" height="0" aria-hidden="true"><defs>
<pattern id="hatch-restarting" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="5" height="5"/><path class="hatch-restarting" d="M1 0V5"/></pattern>
<pattern id="hatch-paused" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="hatch-ground" width="4" height="4"/><path class="hatch-paused" d="M1 0V4"/></pattern>
<pattern id="hatch-late" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-late-ground" width="6" height="6"/><path class="hatch-late" d="M1.5 0V6"/></pattern>
</defs></svg>
`;

/** Text has a contrast of at least 4.5 to its ground, in both schemes. */
export const STYLE_SHEET = html`<style>
:root{--page:#f4f6f8;--card:#fff;--ink:#1b232c;--soft:#55606c;--line:#e3e8ed;--edge:#5f7388;--stripe:#5f73880f;--accent:#1f66b0;--area:#c9def3;
--late:#b3261e;--late-soft:#f3c9c4;--up:#8a5a00;--carbon:#3d6b35;--restart:#b06a00;
--g0:#b3d1ee;--g1:#8fbbe3;--g2:#66a0d6;--g3:#3f80bf;--g4:#2a64a3;--g5:#1b4880;--g6:#102f5a;--on-light:#0d2136;--on-dark:#fff;
--p0:#f7dfc0;--p1:#f0c896;--p2:#e8b06c;--p3:#dc9646;--p4:#c97b28;--p5:#a96015;--p6:#824606;
--c0:#d7e8d2;--c1:#b9d7b1;--c2:#99c38f;--c3:#78ad6d;--c4:#5a944f;--c5:#417838;--c6:#2b5a24}
@media (prefers-color-scheme:dark){:root{--page:#0e1319;--card:#161d26;--ink:#e7edf3;--soft:#9fadbb;--line:#2a3441;--edge:#8fa3b8;--stripe:#9fb3c80f;--accent:#6fb2f2;--area:#21415f;
--late:#ff8f84;--late-soft:#5b2622;--up:#f0b860;--carbon:#8fce83;--restart:#f0b860;
--g0:#274a6b;--g1:#2f618f;--g2:#387ab5;--g3:#4d96d6;--g4:#78b3e8;--g5:#a9d0f4;--g6:#dbecfc;--on-light:#fff;--on-dark:#0b1a29;
--p0:#4b3417;--p1:#6a481c;--p2:#8b5e22;--p3:#ad772d;--p4:#cc9344;--p5:#e3b06a;--p6:#f5d4a2;
--c0:#24381f;--c1:#2f4d29;--c2:#3c6534;--c3:#4d7f43;--c4:#659b5a;--c5:#86b97b;--c6:#b3d9aa}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1320px;margin:0 auto;padding:28px 24px 48px}
header{margin-bottom:20px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere;font-weight:650}
h2{font-size:18px;margin:0 0 2px;font-weight:650}
.kicker{margin:0;color:var(--soft);font-size:13px;letter-spacing:.04em}
.facts{margin:0 0 16px;color:var(--soft)}
.facts b{color:var(--ink);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:12px;margin:0 0 16px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.tile dt{color:var(--soft);font-size:13px}
.tile dd{margin:0;font-size:21px;line-height:1.25;font-weight:650}
.tile .remark{font-size:12.5px;font-weight:400;color:var(--soft);line-height:1.4;margin-top:2px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px 18px;margin:0 0 16px}
.lead{margin:0 0 10px;color:var(--soft);max-width:110ch}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:12px}
th,td{padding:4px 5px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}
th:first-child,.word,.pools td:last-child,.pools th:last-child{text-align:left}
tbody th{font-weight:500;white-space:normal;overflow-wrap:anywhere;min-width:10.5em;max-width:24em;unicode-bidi:isolate}
.pools{width:auto;min-width:50%}
td.late{color:var(--late);font-weight:600}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 8px;padding:0;font-size:13px;color:var(--soft)}
.key li{display:flex;align-items:center;gap:6px}
section svg[role]{display:block;width:100%;height:auto;overflow:visible}
.hatches{position:absolute}
svg text{fill:var(--ink);font-size:11.5px;unicode-bidi:isolate}
svg .axis text,svg .axis-label{fill:var(--soft)}
svg .panel-title,svg .strong{font-weight:600;font-size:12px}
svg .name{font-size:11px}
svg .outcome{font-size:10.5px;fill:var(--soft)}
svg .outcome.late{fill:var(--late);font-weight:600}
svg .count{font-size:9.5px;text-anchor:middle;font-weight:600}
.grid{stroke:var(--line);fill:none}
.row{fill:transparent}
.job:nth-of-type(even) .row{fill:var(--stripe)}
.job:hover .row{fill:var(--line)}
.curve{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
.area{fill:var(--area)}
.band{fill:var(--accent);fill-opacity:.22}
.thread{fill:none;stroke:var(--edge);stroke-opacity:.17;stroke-width:.8}
.ideal{fill:none;stroke:var(--ink);stroke-dasharray:2 3}
.up{fill:none;stroke:var(--up);stroke-width:1.6}
.limit{fill:none;stroke:var(--soft);stroke-dasharray:6 4}
.bar{fill:var(--accent)}
.bar-late{fill:url(#hatch-late);stroke:var(--late)}
.dots{fill:none;stroke:var(--accent);stroke-width:3;stroke-linecap:round;stroke-opacity:.55}
.whisker{fill:none;stroke:var(--edge);stroke-opacity:.6}
.hit{fill:var(--accent);stroke:var(--card);stroke-width:.8}
.miss{fill:none;stroke:var(--late);stroke-width:1.8}
.gpus{stroke:var(--edge);stroke-width:.5}
.g0{fill:var(--g0)}.g1{fill:var(--g1)}.g2{fill:var(--g2)}.g3{fill:var(--g3)}.g4{fill:var(--g4)}.g5{fill:var(--g5)}.g6{fill:var(--g6)}
svg .on-g0,svg .on-g1,svg .on-g2{fill:var(--on-light)}
svg .on-g3,svg .on-g4,svg .on-g5,svg .on-g6{fill:var(--on-dark)}
.restarting{fill:url(#hatch-restarting);stroke:var(--restart);stroke-width:.6}
.paused{fill:url(#hatch-paused);stroke:var(--soft);stroke-width:.6}
.waiting{fill:var(--edge);fill-opacity:.45}
.hatch-ground{fill:var(--card)}
.hatch-restarting{stroke:var(--restart);stroke-width:1.8}
.hatch-paused{stroke:var(--soft);stroke-width:1.3}
.hatch-late-ground{fill:var(--late-soft)}
.hatch-late{stroke:var(--late);stroke-width:1.6}
.deadline{fill:none;stroke:var(--ink);stroke-width:1.3}
.deadline-head{fill:var(--ink)}
.late-line{fill:none;stroke:var(--late);stroke-width:2.2}
.finish{fill:var(--card);stroke:var(--ink);stroke-width:1.2}
.price.s0{fill:var(--p0)}.price.s1{fill:var(--p1)}.price.s2{fill:var(--p2)}.price.s3{fill:var(--p3)}.price.s4{fill:var(--p4)}.price.s5{fill:var(--p5)}.price.s6{fill:var(--p6)}
.carbon.s0{fill:var(--c0)}.carbon.s1{fill:var(--c1)}.carbon.s2{fill:var(--c2)}.carbon.s3{fill:var(--c3)}.carbon.s4{fill:var(--c4)}.carbon.s5{fill:var(--c5)}.carbon.s6{fill:var(--c6)}
@media print{main{max-width:none;padding:0}section{break-inside:avoid-page}}
</style>
`;
