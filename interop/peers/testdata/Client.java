import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** Gets each http URL, and says hi to each ws URL, one after the other. */
public class Client {
    public static void main(String[] urls) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (String url : urls) {
            URI uri = URI.create(url);
            if (uri.getScheme().equals("ws")) {
                greet(client, uri);
                continue;
            }
            HttpResponse<String> response =
                client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
            System.out.print(response.version() + " " + response.statusCode() + " " + response.body());
        }
    }

    private static void greet(HttpClient client, URI uri) throws Exception {
        CompletableFuture<String> closed = new CompletableFuture<>();
        WebSocket socket = client.newWebSocketBuilder().buildAsync(uri, new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
                System.out.println("got " + data);
                socket.sendClose(WebSocket.NORMAL_CLOSURE, "");
                return null;
            }

            @Override
            public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
                closed.complete("closed " + status);
                return null;
            }

            @Override
            public void onError(WebSocket socket, Throwable error) {
                closed.completeExceptionally(error);
            }
        }).get(20, TimeUnit.SECONDS);
        socket.request(2);
        socket.sendText("hi", true).get(20, TimeUnit.SECONDS);
        System.out.println(closed.get(20, TimeUnit.SECONDS));
    }
}
