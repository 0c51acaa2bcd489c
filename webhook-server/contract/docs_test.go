package contract_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryRowOfTheDocsHasATestOfItsName compares the tables of docs/d1-contract.md with the rows that are tested, in order.
func TestEveryRowOfTheDocsHasATestOfItsName(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "d1-contract.md"))
	if err != nil {
		t.Fatal(err)
	}
	for heading, rows := range map[string][]row{"## The token endpoint": tokenRows(), "## The notification endpoint": notificationRows()} {
		_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
		if !found {
			t.Fatalf("there is no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		var documented, tested []string
		for line := range strings.Lines(section) {
			cells := strings.Split(line, "|")
			if len(cells) > 2 && !strings.HasPrefix(line, "|--") && strings.TrimSpace(cells[1]) != "row" {
				documented = append(documented, strings.TrimSpace(cells[1]))
			}
		}
		for _, r := range rows {
			tested = append(tested, r.title)
		}
		if !slices.Equal(documented, tested) {
			t.Errorf("%s documents\n%s\nand tested are\n%s", heading, strings.Join(documented, "\n"), strings.Join(tested, "\n"))
		}
	}
}
