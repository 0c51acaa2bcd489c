package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestACommandLine(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, tc := range map[string]struct {
		args  []string
		check func(options) bool
	}{
		"without flags has the defaults": {nil, func(o options) bool {
			return o.systemNamespace == "d1gateway-system" && o.externalURL == "https://localhost:8443" && o.watchNamespaces == nil
		}},
		"names a base URL with a slash": {[]string{"--external-url", "https://d1.acme.example/"}, func(o options) bool {
			return o.externalURL == "https://d1.acme.example"
		}},
		"names namespaces": {[]string{"--watch-namespaces=payments,shop"}, func(o options) bool {
			return slices.Equal(o.watchNamespaces, []string{"payments", "shop"})
		}},
		"turns listeners off": {[]string{"--metrics-bind-address=0", "--health-probe-bind-address=0"}, func(o options) bool {
			return o.metricsBindAddress == "0" && o.healthProbeBindAddress == "0"
		}},
		"turns leader election off": {[]string{"--leader-elect=false"}, func(o options) bool { return !o.leaderElect }},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOptions(tc.args, &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			if !tc.check(o) {
				t.Errorf("it came to %+v", o)
			}
		})
	}
}

func TestAWrongCommandLineIsOneLineAndStatus2(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown flag":                     {"--nonsense"},
		"unknown command":                  {"serve"},
		"value that is no boolean":         {"--leader-elect=perhaps"},
		"URL without a scheme":             {"--external-url", "d1.acme.example"},
		"URL with credentials":             {"--external-url", "https://a:b@d1.acme.example"},
		"URL with a query":                 {"--external-url", "https://d1.acme.example?a=b"},
		"namespace with a dot":             {"--system-namespace", "a.b"},
		"empty system namespace":           {"--system-namespace="},
		"empty one among the namespaces":   {"--watch-namespaces=a,,b"},
		"address without a port":           {"--metrics-bind-address", "127.0.0.1"},
		"probe address without a port":     {"--health-probe-bind-address", "localhost"},
		"log level that does not exist":    {"--log-level", "loud"},
		"kubeconfig that does not exist":   {"--kubeconfig", "does-not-exist"},
		"neither kubeconfig nor in a Pod":  {},
		"flag of render without the word":  {"-f", "manifests"},
		"value over several lines, quoted": {"--system-namespace", "a\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", "")
			t.Setenv("KUBERNETES_SERVICE_HOST", "")
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit status %d, want %d", code, exitUsage)
			}
			if got := stderr.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "controllers: ") {
				t.Errorf("stderr is %q", got)
			}
			if stdout.Len() != 0 {
				t.Errorf("stdout is %q", stdout.String())
			}
		})
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != 0 || stderr.Len() != 0 {
		t.Errorf("exit status %d, stderr %q", code, stderr.String())
	}
	for _, flag := range []string{"-kubeconfig", "-system-namespace", "-external-url", "-leader-elect", "render"} {
		if !strings.Contains(stdout.String(), flag) {
			t.Errorf("the usage does not mention %s", flag)
		}
	}
}
