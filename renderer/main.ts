import { createApp } from 'vue';
import App from './App.vue';
import { createGateway } from './gateway.ts';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import { createLive } from './use/live.ts';

const gateway = createGateway();
const app = createApp(App);
app.runWithContext(() => {
  const { key, live } = createLive(gateway);
  app.provide(key, live);
});
app.mount('#app');
gateway.start();
window.addEventListener('online', () => gateway.retry());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') gateway.retry();
});
