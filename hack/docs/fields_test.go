// Package docs holds the pages in docs/ against the code they describe.
package docs

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/config/crd"
)

// kinds are the resources, each with its definition and its page.
var kinds = []struct{ definition, page string }{
	{"bases/d1gateway.io_merchantgateways.yaml", "docs/spec/merchantgateway.md"},
	{"bases/d1gateway.io_oauthclients.yaml", "docs/spec/oauthclient.md"},
	{"bases/d1gateway.io_replicareports.yaml", "docs/spec/replicareport.md"},
}

func TestEveryKindHasAPage(t *testing.T) {
	entries, err := crd.Bases.ReadDir("bases")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(kinds) {
		t.Errorf("%d kinds have a page, there are %d", len(kinds), len(entries))
	}
}

// TestAPageHasEveryFieldAndNoOther holds a page against the schema, field by field. A field stands as a heading with its path in code, [] for the items of a list.
func TestAPageHasEveryFieldAndNoOther(t *testing.T) {
	for _, kind := range kinds {
		t.Run(filepath.Base(kind.page), func(t *testing.T) {
			fields := readFields(t, kind.definition)
			p := readPage(t, filepath.Join(repository, kind.page))
			sections := map[string]section{}
			for _, s := range p.sections {
				path, ok := fieldOf(s.heading)
				if !ok {
					continue
				}
				if _, twice := sections[path]; twice {
					t.Errorf("%s has two headings", path)
				}
				if _, there := fields[path]; !there {
					t.Errorf("the heading %s names a field that does not exist", path)
				}
				sections[path] = s
			}
			for _, path := range slices.Sorted(maps.Keys(fields)) {
				s, there := sections[path]
				if !there {
					t.Errorf("%s has no heading", path)
					continue
				}
				if !hasExample(t, sections, path) {
					t.Errorf("%s: neither its section nor that of a field it is in has a yaml block that sets it", path)
				}
				for _, fact := range facts(fields[path]) {
					if !fact.stands(s.text) {
						t.Errorf("%s: its section does not say %s", path, fact.what)
					}
				}
			}
			for _, s := range p.sections {
				checkBlocks(t, fields, s)
			}
		})
	}
}

// fieldHeading begins in lower case, which tells a field from a condition.
var fieldHeading = regexp.MustCompile("^`([a-z][A-Za-z]*(?:\\[\\])?(?:\\.[A-Za-z]+(?:\\[\\])?)*)`$")

// fieldOf answers the field that a heading names.
func fieldOf(heading string) (string, bool) {
	m := fieldHeading.FindStringSubmatch(heading)
	if m == nil {
		return "", false
	}
	return strings.TrimSuffix(m[1], "[]"), true
}

// readFields answers the fields of a definition by their paths: those below spec and status, or the resource's own where it has neither.
func readFields(t *testing.T, definition string) map[string]apiextensions.JSONSchemaProps {
	t.Helper()
	raw, err := crd.Bases.ReadFile(definition)
	if err != nil {
		t.Fatal(err)
	}
	var d apiextensions.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &d); err != nil {
		t.Fatal(err)
	}
	fields := map[string]apiextensions.JSONSchemaProps{}
	root := d.Spec.Versions[0].Schema.OpenAPIV3Schema
	for part, schema := range root.Properties {
		if isOfEveryKind(part) {
			continue
		}
		if part != "spec" && part != "status" {
			fields[part] = schema
		}
		addFields(fields, part, schema)
	}
	if len(fields) == 0 {
		t.Fatalf("%s has no fields", definition)
	}
	return fields
}

// isOfEveryKind says whether a member is the same for all of Kubernetes.
func isOfEveryKind(part string) bool {
	return part == "apiVersion" || part == "kind" || part == "metadata"
}

func addFields(fields map[string]apiextensions.JSONSchemaProps, path string, schema apiextensions.JSONSchemaProps) {
	if path == "status.conditions" {
		return // what is in a condition is the same for all of Kubernetes
	}
	if schema.Items != nil {
		addFields(fields, path+"[]", *schema.Items.Schema)
		return
	}
	for name, property := range schema.Properties {
		child := path + "." + name
		fields[child] = property
		addFields(fields, child, property)
	}
}

// hasExample says whether a yaml block in the section of the field, or of one that it is in, sets it.
func hasExample(t *testing.T, sections map[string]section, path string) bool {
	t.Helper()
	for at := path; at != ""; at = at[:max(strings.LastIndexByte(at, '.'), 0)] {
		for _, b := range sections[strings.TrimSuffix(at, "[]")].blocks {
			if b.language == "yaml" && slices.ContainsFunc(parse(t, b), func(doc map[string]any) bool { return pathsIn(doc)[path] }) {
				return true
			}
		}
	}
	return false
}

var separator = regexp.MustCompile(`(?m)^---$`)

// parse reads the documents of a yaml block.
func parse(t *testing.T, b block) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, text := range separator.Split(b.body, -1) {
		var doc map[string]any
		if err := yaml.UnmarshalStrict([]byte(text), &doc); err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		all = append(all, doc)
	}
	return all
}

// pathsIn answers the fields that a resource, or a fragment of one, sets.
func pathsIn(doc map[string]any) map[string]bool {
	set := map[string]bool{}
	for part, value := range doc {
		if isOfEveryKind(part) {
			continue
		}
		if part != "spec" && part != "status" {
			set[part] = true
		}
		addPaths(set, part, value)
	}
	return set
}

func addPaths(set map[string]bool, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, child := range value {
			set[path+"."+name] = true
			if path+"."+name != "status.conditions" {
				addPaths(set, path+"."+name, child)
			}
		}
	case []any:
		for _, item := range value {
			addPaths(set, path+"[]", item)
		}
	}
}

// checkBlocks finds fields that do not exist in the fragments of a page. Whole resources are validated by controllers/schema.
func checkBlocks(t *testing.T, fields map[string]apiextensions.JSONSchemaProps, s section) {
	t.Helper()
	for _, b := range s.blocks {
		if b.language != "yaml" {
			continue
		}
		for _, doc := range parse(t, b) {
			if doc["apiVersion"] != nil {
				continue
			}
			for path := range pathsIn(doc) {
				if _, there := fields[path]; !there {
					t.Errorf("an example below %q sets %s, which does not exist", s.heading, path)
				}
			}
		}
	}
}
