"""What a person is told at the end of an export."""

from __future__ import annotations

from edge_runtime.bundle.trust import trust_findings
from export.bundle_writer import report_path
from export.exporter import ExportOptions, ExportResult

__all__ = ["summary_lines"]


def summary_lines(options: ExportOptions, result: ExportResult) -> list[str]:
    """The bundle, its graphs with their sizes, and how well they agree."""
    spec = result.bundle.spec
    lines = [f"{options.out}: {len(spec.classes)} classes, bundle {result.bundle.sha256[:12]}"]
    width = max(len(graph.file) for graph in spec.graphs)
    for graph in spec.graphs:
        lines.append(f"  {graph.file:<{width}} {spec.files[graph.file].bytes / 1000:9.1f} kB")
    ranges = spec.provenance["export"]["ranges"]
    lines.append(f"  ranges: {'learned in training' if ranges == 'learned' else ranges}")
    details = result.gates.details
    for name, detail in details.items():
        if name.endswith(" logits"):
            lines.append(
                f"  {name}: at most {detail['largest_steps']} steps from the reference, "
                f"{detail['top_agreement']:.1%} same class"
            )
        elif name.endswith("maps with torch"):
            lines.append(
                f"  {name}: Spearman {detail['median_spearman']:.3f}, "
                f"Pearson {detail['median_pearson']:.3f} (medians)"
            )
    for row in spec.saliency_trust:
        lines.append(
            f"  {row.engine} {row.saliency} maps, Spearman: float {row.with_float.spearman:.3f}, "
            f"after a change of one level {row.after_one_level.spearman:.3f}, "
            f"random weights {row.random_weights:.3f}"
        )
    # Those of the checks may begin with the name of a layer.
    of_maps = (f"{found[0].lower()}{found[1:]}" for found in trust_findings(spec.saliency_trust))
    lines += [f"  look at: {finding}" for finding in (*result.checks.findings, *of_maps)]
    lines.append(f"  all {len(result.gates.gates)} gates passed: {report_path(options.out)}")
    return lines
