// Package arrows holds the picture of docs/architecture.md against what the compiler sees: which packages may reach which.
package arrows

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/d1gateway/d1gateway"

// rules say what the packages below a path never reach, directly or through others.
var rules = []struct {
	path  string   // packages at and below it
	never []string // prefixes of import paths
	why   string
}{
	{"api/v1alpha1", []string{module + "/controllers", module + "/webhook-server", module + "/api/serving", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"}, "the resources know apimachinery only"},
	{"api/serving", []string{module + "/controllers", module + "/webhook-server", module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io"}, "the contract of the two programs knows the standard library only"},
	{"controllers", []string{module + "/webhook-server"}, "the two programs meet only in api/"},
	{"webhook-server", []string{module + "/controllers", "sigs.k8s.io/controller-runtime"}, "the two programs meet only in api/"},
	{"webhook-server/serving", []string{module + "/api/v1alpha1", module + "/webhook-server/replica"}, "of the resources the server knows its own report only"},
	{"controllers/translate", []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"}, "translate is pure"},
	{"webhook-server/token", []string{module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io", module + "/webhook-server/replica", module + "/webhook-server/delivery", module + "/webhook-server/peer"}, "an endpoint knows no cluster"},
	{"webhook-server/token/accesstoken", []string{module + "/webhook-server/store", module + "/webhook-server/token/clientauth"}, "tokens are made and verified in memory"},
	{"webhook-server/token/clientauth", []string{module + "/webhook-server/store", module + "/webhook-server/token/accesstoken"}, "who a client is has nothing to do with tokens"},
	{"webhook-server/discovery", []string{module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io", module + "/webhook-server/store", module + "/webhook-server/delivery"}, "what is published follows from the documents"},
	{"webhook-server/peer", []string{"k8s.io", "sigs.k8s.io", module + "/webhook-server/token", module + "/webhook-server/store"}, "who called has nothing to do with what for"},
	{"webhook-server/listener", []string{module + "/api", module + "/webhook-server/serving", module + "/webhook-server/token"}, "a listener knows no words of the domain"},
	{"webhook-server/notification", []string{module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io", module + "/webhook-server/delivery"}, "an endpoint knows no cluster"},
	{"webhook-server/store", []string{"k8s.io", "sigs.k8s.io", module + "/api", module + "/webhook-server/serving"}, "the store knows notifications only"},
	{"webhook-server/delivery", []string{module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io", module + "/webhook-server/token"}, "delivery knows no cluster"},
	{"webhook-server/cli", []string{module + "/api/v1alpha1", "k8s.io", "sigs.k8s.io", module + "/webhook-server/app", module + "/webhook-server/delivery"}, "the commands know the administration API only"},
	{"webhook-server/store/sqlite", []string{"github.com/jackc/pgx"}, "one engine knows nothing of the other"},
	{"webhook-server/store/postgres", []string{"modernc.org/sqlite"}, "one engine knows nothing of the other"},
	{"webhook-server/replica", []string{module + "/webhook-server/token", module + "/webhook-server/notification", module + "/webhook-server/delivery", module + "/webhook-server/peer"}, "a report is made of documents and uses"},
	{"webhook-server/httpx", []string{module + "/api", module + "/webhook-server/serving"}, "httpx knows no words of the domain"},
}

func TestNoPackageReachesWhatItMustNotKnow(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.path, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+rule.path+"/...").CombinedOutput()
			if err != nil {
				t.Fatalf("go list: %v: %s", err, out)
			}
			reached := strings.Fields(string(out))
			if !slices.ContainsFunc(reached, func(p string) bool { return within(p, module+"/"+rule.path) }) {
				t.Fatalf("there is no package at %s: the rule holds nothing", rule.path)
			}
			for _, p := range reached {
				if slices.ContainsFunc(rule.never, func(prefix string) bool { return within(p, prefix) }) {
					t.Errorf("it reaches %s: %s", p, rule.why)
				}
			}
		})
	}
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
