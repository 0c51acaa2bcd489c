package replica

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestTheReportStaysWithinTheBoundsOfItsSchema(t *testing.T) {
	var problems []serving.Problem
	for i := range 300 {
		problems = append(problems, serving.Problem{Object: fmt.Sprintf("client.pay.d%03d", 299-i), Err: errors.New("4111111111111111 " + strings.Repeat("é", 300+i))})
	}
	d := servedDocuments(serving.Served{ConfigMaps: "1", Secrets: "2", Documents: 900, Problems: problems})
	if len(d.Refused) != 256 || *d.RefusedCount != 300 || *d.Served != 900 || d.Refused[0].Object != "client.pay.d000" {
		t.Errorf("%d refused documents of %d, the first %s", len(d.Refused), *d.RefusedCount, d.Refused[0].Object)
	}
	for _, r := range d.Refused {
		if len(r.Message) > 512 || !utf8.ValidString(r.Message) || strings.Contains(r.Message, "4111111111111111") {
			t.Fatalf("message %q", r.Message)
		}
	}
	if message(errors.New("")) == "" || message(nil) == "" || !utf8.ValidString(message(errors.New("\xff"))) {
		t.Error("a message is empty or no text")
	}
	if servedDocuments(serving.Served{ConfigMaps: "1"}) != nil {
		t.Error("a version that is not known is told")
	}
	b := newBooks(t)
	for i := range 1500 {
		b.use("d1", fmt.Sprint("c", i), noon.Add(time.Duration(i)*time.Second), true)
	}
	b.use("d2", strings.Repeat("x", 129), noon, false)
	b.use("d3", "", noon, false)
	b.look(noon)
	told := b.toldUses()
	if _, ok := told["client.pay.d1 c1499"]; len(told) != 1000 || !ok {
		t.Errorf("%d uses are told", len(told))
	}
	if _, ok := told["client.pay.d1 c500"]; !ok {
		t.Error("the uses that are told are not the latest")
	}
	b.want(noon.Add(time.Second))
}

func TestWhereAMessageIsCutNoCardNumberIsLeft(t *testing.T) {
	// 20 digits are no card number; the first 16 of them are one.
	text := strings.Repeat("x", maxMessageBytes-17) + " 41111111111111110000"
	if got := message(errors.New(text)); len(got) != maxMessageBytes || !strings.HasSuffix(got, " ************1111") {
		t.Errorf("message %q", got)
	}
}

func TestEqualFactsAreEqualReports(t *testing.T) {
	reports := map[string]bool{}
	for range 20 {
		b := newBooks(t)
		for i := range 50 {
			b.use(fmt.Sprint("d", i), fmt.Sprint("c", i%3), noon, false)
		}
		b.look(noon)
		reports[fmt.Sprintf("%+v", b.objects["web-0"].Uses)] = true
	}
	if len(reports) != 1 {
		t.Errorf("%d different reports", len(reports))
	}
}
