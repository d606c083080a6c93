/** The style sheet of /docs: the colours follow the system, and nothing is loaded. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--card:#f6f8fa;--line:#d0d7de;--link:#0757b5}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--card:#161b22;--line:#30363d;--link:#6cb0ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-100rem}.skip:focus{position:static}
code{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
article,details{border:1px solid var(--line);border-radius:.5rem;background:var(--card);padding:0 1rem 1rem;margin:1rem 0}
details{padding-bottom:0}summary{cursor:pointer;padding:.5rem 0}
h3{font-size:1.05rem}h4{margin:1rem 0 .25rem}
.method{display:inline-block;min-width:3.5rem;text-align:center;border:1px solid currentcolor;border-radius:.25rem;
font-weight:700;font-size:.8rem;padding:0 .4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600}
nav ul{padding-left:1.2rem}
`;
