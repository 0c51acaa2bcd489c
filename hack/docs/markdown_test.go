package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// page is a Markdown file, cut at its headings.
type page struct {
	path     string
	sections []section
}

// section is a heading and what follows it up to the next heading of any level.
type section struct {
	heading string
	// text is everything but the fenced blocks.
	text   string
	blocks []block
}

// block is a fenced block.
type block struct{ language, body string }

var heading = regexp.MustCompile(`^#{1,6} +(.+?) *#*$`)

func readPage(t *testing.T, path string) page {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := page{path: path, sections: []section{{}}}
	var fence string
	var open block
	for line := range strings.Lines(string(raw)) {
		current := &p.sections[len(p.sections)-1]
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "" && trimmed == fence:
			current.blocks = append(current.blocks, open)
			fence = ""
		case fence != "":
			open.body += line
		case strings.HasPrefix(trimmed, "```"):
			language := strings.TrimLeft(trimmed, "`")
			fence = strings.TrimSuffix(trimmed, language)
			open = block{language: strings.TrimSpace(language)}
		default:
			if m := heading.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				p.sections = append(p.sections, section{heading: m[1]})
				continue
			}
			current.text += line
		}
	}
	if fence != "" {
		t.Errorf("%s: a fenced block is not closed", path)
	}
	return p
}

// anchors answers the names that a link may give after #, as GitHub makes them of the headings.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for _, s := range p.sections {
		if name := anchor(s.heading); name != "" {
			all[name] = true
		}
	}
	return all
}

func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	link     = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

// links answers the targets of all links outside of code.
func (p page) links() []string {
	var all []string
	for _, s := range p.sections {
		for _, text := range []string{s.heading, s.text} {
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
				all = append(all, m[1])
			}
		}
	}
	return all
}
