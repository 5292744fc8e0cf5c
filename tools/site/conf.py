"""Sphinx's settings for the documentation site (see tools/docs). No setting needs the network."""

project = "netops.aci_calico"
author = "Contributors to netops.aci_calico"
project_copyright = author
extensions = ["myst_parser", "sphinx_antsibull_ext"]
exclude_patterns = ["_static"]
# antsibull refers to pages of Ansible's own documentation.
suppress_warnings = ["ref.ref"]
default_role = "any"
highlight_language = "text"
smartquotes = False  # they make a dash of the two hyphens of an option
myst_heading_anchors = 4
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True, "footer_icons": []}
