// Clients of the live matrix that are written for Node: node.mjs WHICH ORIGIN USER_AGENT PIN FOLDER PATH...
// MODULES names the folder with their packages; the authority is named by NODE_EXTRA_CA_CERTS.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.MODULES}/`);
const [which, origin, agent, pin, folder, ...paths] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
  `--ignore-certificate-errors-spki-list=${pin}`];

async function puppeteer() {
  const { default: pup, launch } = require('puppeteer-core');
  const browser = await (launch ?? pup.launch)({
    executablePath: '/usr/bin/chromium', headless: true, args: [...flags, `--user-data-dir=${folder}`],
  });
  const page = await browser.newPage();
  if (agent) await page.setUserAgent(agent);
  for (const path of paths) await page.goto(origin + path, { waitUntil: 'load' });
  await browser.close();
}

async function playwright() {
  const { chromium } = require('playwright-core');
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: flags });
  const context = await browser.newContext(agent ? { userAgent: agent } : {});
  const page = await context.newPage();
  for (const path of paths) await page.goto(origin + path, { waitUntil: 'load' });
  await browser.close();
}

async function crawlee() {
  process.env.CRAWLEE_STORAGE_DIR = folder;
  const { CheerioCrawler, Configuration, log } = require('crawlee');
  log.setLevel(log.LEVELS.OFF);
  const config = new Configuration({ persistStorage: false, storageClientOptions: { localDataDirectory: folder } });
  const crawler = new CheerioCrawler({
    maxRequestsPerCrawl: 8, maxConcurrency: 1, maxRequestRetries: 0,
    async requestHandler({ enqueueLinks }) { await enqueueLinks(); },
  }, config);
  await crawler.run([`${origin}/`]);
}

await { puppeteer, playwright, crawlee }[which]();
process.exit(0);
